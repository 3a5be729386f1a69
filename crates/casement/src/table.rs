//! Tables without borders: each column is as wide as its content, with two spaces between columns.

use std::ops::Range;

use comfy_table::{CellAlignment, Table, presets::NOTHING};

const GAP: u16 = 2;

/// Formats rows below a header. The columns of `right` are right-aligned.
pub(crate) fn format<const N: usize>(
    head: [&str; N],
    right: Range<usize>,
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
        if right.contains(&column.index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let rows = [
            ["a name".to_owned(), "7".to_owned()],
            ["b".to_owned(), "1000".to_owned()],
        ];
        let expected = "NAME    COUNT\na name      7\nb        1000";
        assert_eq!(format(["NAME", "COUNT"], 1..2, rows), expected);
    }
}
