//! SQL as far as an HTTP endpoint reads it: tokens outside comments, the kind of a statement, its FORMAT clause, and
//! whether data follows. The engine parses everything else.
//!
//! In: text. Out: a [`Statement`], parsed once and never changed. Nothing is judged or executed here.

mod head;
mod kill;
mod lexer;
mod literal;
mod rows;
mod statement;

pub(crate) use self::{
    head::LONGEST_HEAD,
    kill::KillQuery,
    lexer::{Sql, Token, TokenKind, steps},
    literal::{quote, quote_name, unquoted},
    statement::{Kind, NoInsert, Statement},
};
