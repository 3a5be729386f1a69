//! Which bytes of a body a `Range` asks for (RFC 9110, section 14).
//!
//! In: the method and the headers of a request, the length of the body. Out: all of it, a part, or that there is no such part.

use axum::http::{HeaderMap, Method, header};
use http_range_header::{
    EndPosition, RangeUnsatisfiableError, StartPosition, SyntacticallyCorrectRange, parse_range_header,
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: nothing else is asked for, or it cannot be understood, or it is several parts.
    Whole,
    /// The bytes from the first to the last, both included.
    Part(usize, usize),
    /// Nothing that is there.
    Nowhere,
}

impl Wanted {
    /// What a request asks for of a body of `length` bytes that has no validator.
    pub(crate) fn asked(method: &Method, headers: &HeaderMap, length: usize) -> Self {
        // Ranges are defined for GET. A condition on a validator that we never gave out does not hold.
        if method != Method::GET || headers.contains_key(header::IF_RANGE) {
            return Self::Whole;
        }
        let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        match text.map(parse_range_header) {
            Some(Ok(parsed)) => Self::of(&parsed.ranges, length as u64),
            // The last no bytes.
            Some(Err(RangeUnsatisfiableError::ZeroSuffix)) => Self::Nowhere,
            Some(Err(_)) | None => Self::Whole,
        }
    }

    fn of(ranges: &[SyntacticallyCorrectRange], length: u64) -> Self {
        let mut found = Vec::new();
        for range in ranges {
            let (first, last) = match (range.start, range.end) {
                // It is no range, and makes the whole header none.
                (StartPosition::Index(first), EndPosition::Index(last)) if last < first => {
                    return Self::Whole;
                }
                (StartPosition::Index(first), EndPosition::Index(last)) => (first, last),
                (StartPosition::Index(first), EndPosition::LastByte) => (first, u64::MAX),
                (StartPosition::FromLast(count), _) => (length.saturating_sub(count), u64::MAX),
            };
            if first < length {
                found.push((first as usize, last.min(length - 1) as usize));
            }
        }
        match found[..] {
            [] => Self::Nowhere,
            [(first, last)] if ranges.len() == 1 => Self::Part(first, last),
            _ => Self::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str) -> Wanted {
        let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        Wanted::asked(&Method::GET, &headers, 100)
    }

    #[test]
    fn a_part_is_cut_to_what_is_there() {
        for (range, first, last) in [
            ("bytes=0-", 0, 99),
            ("bytes=0-0", 0, 0),
            ("bytes=10-19", 10, 19),
            ("bytes=99-", 99, 99),
            ("bytes=90-500", 90, 99),
            ("bytes=90-18446744073709551615", 90, 99),
            ("bytes=-5", 95, 99),
            ("bytes=-100", 0, 99),
            // More than there is: all of it is used.
            ("bytes=-101", 0, 99),
            ("bytes=-99999999", 0, 99),
        ] {
            assert_eq!(asked(range), Wanted::Part(first, last), "{range}");
        }
    }

    #[test]
    fn what_begins_behind_the_end_is_nowhere() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=100-,200-300"] {
            assert_eq!(asked(range), Wanted::Nowhere, "{range}");
        }
        let headers = HeaderMap::from_iter([(header::RANGE, "bytes=-5".parse().unwrap())]);
        assert_eq!(Wanted::asked(&Method::GET, &headers, 0), Wanted::Nowhere);
    }

    #[test]
    fn what_is_no_range_or_several_is_left_alone() {
        for range in [
            "bytes=0-1,5-6",
            "bytes=0-10,5-20",
            "bytes=0-1,500-",
            "bytes=50-10",
            "bytes=500-10",
            "bytes=-",
            "bytes=",
            "lines=1-2",
            "nonsense",
        ] {
            assert_eq!(asked(range), Wanted::Whole, "{range}");
        }
        let mut headers = HeaderMap::from_iter([(header::RANGE, "bytes=0-1".parse().unwrap())]);
        assert_eq!(Wanted::asked(&Method::HEAD, &headers, 100), Wanted::Whole);
        headers.insert(header::IF_RANGE, "\"1\"".parse().unwrap());
        assert_eq!(Wanted::asked(&Method::GET, &headers, 100), Wanted::Whole);
        assert_eq!(Wanted::asked(&Method::GET, &HeaderMap::new(), 100), Wanted::Whole);
    }
}
