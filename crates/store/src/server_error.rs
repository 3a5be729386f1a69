//! Classification of ClickHouse's errors: the database is to blame, or the rows.
//!
//! In: the client's error. Out: ClickHouse's code, and whether the same rows may succeed later. When in doubt, the
//! database is to blame: retrying keeps rows, refusing them loses them.

use clickhouse::error::Error;

/// ClickHouse's codes for values that it will refuse again: parsing, types, ranges, constraints.
const ROW_CODES: [u32; 27] = [
    6,   // CANNOT_PARSE_TEXT
    7,   // INCORRECT_NUMBER_OF_COLUMNS
    25,  // CANNOT_PARSE_ESCAPE_SEQUENCE
    26,  // CANNOT_PARSE_QUOTED_STRING
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,  // CANNOT_READ_ALL_DATA
    38,  // CANNOT_PARSE_DATE
    41,  // CANNOT_PARSE_DATETIME
    43,  // ILLEGAL_TYPE_OF_ARGUMENT
    53,  // TYPE_MISMATCH
    69,  // ARGUMENT_OUT_OF_BOUND
    70,  // CANNOT_CONVERT_TYPE
    72,  // CANNOT_PARSE_NUMBER
    117, // INCORRECT_DATA
    128, // TOO_LARGE_ARRAY_SIZE
    130, // CANNOT_READ_ARRAY_FROM_TEXT
    131, // TOO_LARGE_STRING_SIZE
    153, // ILLEGAL_DIVISION
    190, // SIZES_OF_ARRAYS_DONT_MATCH
    321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    407, // DECIMAL_OVERFLOW
    467, // CANNOT_PARSE_BOOL
    469, // VIOLATED_CONSTRAINT
    675, // CANNOT_PARSE_IPV4
    691, // UNKNOWN_ELEMENT_OF_ENUM
];

const TOO_MANY_PARTS: u32 = 252;

/// Returns the code in `Code: 27. DB::Exception: …`.
pub(crate) fn code(error: &Error) -> Option<u32> {
    let Error::BadResponse(message) = error else {
        return None;
    };
    let digits = message.split_once("Code: ")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Returns the code if the rows are to blame.
pub(crate) fn refusal(error: &Error) -> Option<(u32, String)> {
    let code = code(error)?;
    let message = error.to_string();
    // This code has two meanings: merges lag behind (a later attempt succeeds), or one block spans too many months
    // (none ever will).
    let too_many_partitions =
        code == TOO_MANY_PARTS && message.contains("partitions for single INSERT block");
    (ROW_CODES.contains(&code) || too_many_partitions).then_some((code, message))
}

/// Returns whether the answer has more rows or bytes than it may have.
pub(crate) fn is_too_large(error: &Error) -> bool {
    // TOO_MANY_ROWS_OR_BYTES; MEMORY_LIMIT_EXCEEDED of the query itself, where that of the server may pass.
    match (code(error), error) {
        (Some(396), _) => true,
        (Some(241), Error::BadResponse(message)) => message.contains("Query memory limit"),
        _ => false,
    }
}

/// Returns whether the question was for another schema than the database has: it has not been made yet, or it is brought up
/// from an earlier version.
pub(crate) fn is_of_another_schema(error: &Error) -> bool {
    // THERE_IS_NO_COLUMN, NOT_FOUND_COLUMN_IN_BLOCK, NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_FUNCTION (a view with parameters),
    // UNKNOWN_IDENTIFIER, UNKNOWN_TABLE, UNKNOWN_DATABASE, TABLE_IS_DROPPED.
    const CODES: [u32; 8] = [8, 10, 16, 46, 47, 60, 81, 218];
    matches!(error, Error::SchemaMismatch(_)) || code(error).is_some_and(|code| CODES.contains(&code))
}

/// Returns whether a later attempt may succeed: there was no answer, or the server is overloaded or starting.
pub(crate) fn is_transient(error: &Error) -> bool {
    // TIMEOUT_EXCEEDED, TOO_MANY_SIMULTANEOUS_QUERIES, NETWORK_ERROR, MEMORY_LIMIT_EXCEEDED, SERVER_OVERLOADED, …
    const CODES: [u32; 9] = [159, 202, 209, 210, 236, 241, 243, 439, 745];
    match error {
        Error::Network(_) | Error::TimedOut => true,
        Error::BadResponse(message) => match code(error) {
            Some(code) => CODES.contains(&code),
            // The answer of a proxy or of a starting server, without a code.
            None => message.starts_with('5'),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Error {
        Error::BadResponse(text.to_owned())
    }

    #[test]
    fn rows_are_blamed_for_their_values() {
        let parse = answer("Code: 27. DB::Exception: Cannot parse input: expected ',' (CANNOT_PARSE_INPUT)");
        assert_eq!(refusal(&parse).unwrap().0, 27);
        let constraint =
            answer("Code: 469. DB::Exception: Constraint `c` for table iot.t is violated at row 1");
        assert_eq!(refusal(&constraint).unwrap().0, 469);
        let months =
            answer("Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100).");
        assert_eq!(refusal(&months).unwrap().0, 252);
    }

    #[test]
    fn the_world_is_blamed_for_everything_else() {
        for text in [
            "Code: 252. DB::Exception: Too many parts (3000). Merges are processing significantly slower than inserts.",
            "Code: 241. DB::Exception: Memory limit (total) exceeded",
            "Code: 60. DB::Exception: Table iot.sensor_temperature does not exist",
            "Code: 516. DB::Exception: default: Authentication failed",
            "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space",
            "502 Bad Gateway",
            "",
        ] {
            assert!(refusal(&answer(text)).is_none(), "{text}");
        }
        assert!(refusal(&Error::TimedOut).is_none());
    }

    #[test]
    fn a_schema_that_is_not_there_yet_is_known() {
        for text in [
            "Code: 60. DB::Exception: Table iot.window_actions does not exist. (UNKNOWN_TABLE)",
            "Code: 81. DB::Exception: Database iot does not exist. (UNKNOWN_DATABASE)",
            "Code: 47. DB::Exception: Unknown expression identifier `cause` (UNKNOWN_IDENTIFIER)",
        ] {
            assert!(is_of_another_schema(&answer(text)), "{text}");
        }
        for text in ["Code: 62. DB::Exception: Syntax error", "502 Bad Gateway", ""] {
            assert!(!is_of_another_schema(&answer(text)), "{text}");
        }
    }

    #[test]
    fn transient_errors_are_known() {
        assert!(is_transient(&Error::TimedOut));
        assert!(is_transient(&answer("503 Service Unavailable")));
        assert!(is_transient(&answer("Code: 241. DB::Exception: Memory limit")));
        assert!(!is_transient(&answer("Code: 62. DB::Exception: Syntax error")));
    }
}
