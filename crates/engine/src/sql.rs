//! SQL as far as an HTTP endpoint reads it: tokens outside comments, the kind of a statement, its FORMAT clause, and
//! whether data follows. The engine parses everything else.
//!
//! In: text. Out: a [`Statement`], parsed once and never changed. Nothing is judged or executed here.

mod ending;
mod head;
mod kill;
mod lexer;
mod literal;
mod position;
mod rows;
mod statement;

pub(crate) use self::{
    ending::{Assignment, all_settings, canonical_format, trailing_settings},
    head::LONGEST_HEAD,
    kill::KillQuery,
    lexer::{Sql, Token, TokenKind, steps},
    literal::{quote, quote_name, unquoted},
    statement::{Kind, NoInsert, Statement, inserts, is_single},
};
