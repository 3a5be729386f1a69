//! What a type's name says about its binary form in Native blocks.

/// The deepest nesting that is parsed; real types nest far less deep.
const DEEPEST: usize = 32;

/// A type as far as its binary form goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    Fixed(usize),
    Text,
    Nullable(Box<Self>),
    Array(Box<Self>),
    Tuple(Vec<Self>),
    LowCardinality(Box<Self>),
    Variant(Vec<Self>),
    /// The data name its parts, before the values.
    Dynamic,
    /// The typed paths; the data name the others.
    Json(Vec<Self>),
    /// A `Dynamic` in the flattened serialization: the index of a part for each value, then the parts.
    Flattened(Vec<Self>),
}

impl Form {
    /// Returns `None` for a type whose name does not determine its binary form.
    pub(super) fn parse(name: &str, depth: usize) -> Option<Self> {
        let name = name.trim();
        if depth > DEEPEST {
            return None;
        }
        let (head, inside) = match name.split_once('(') {
            Some((head, rest)) => (head.trim(), rest.strip_suffix(')')?),
            None => (name, ""),
        };
        let parts = arguments(inside);
        let inner = |index: usize| Self::parse(parts.get(index)?, depth + 1).map(Box::new);
        let all = |named: bool| -> Option<Vec<Self>> {
            let part = |part: &&str| Self::parse(if named { without_name(part) } else { part }, depth + 1);
            parts.iter().map(part).collect()
        };
        let point = || Box::new(Self::Fixed(16));
        let ring = || Box::new(Self::Array(point()));
        let polygon = || Box::new(Self::Array(ring()));
        Some(match head {
            "Nothing" | "Int8" | "UInt8" | "Bool" | "Enum8" => Self::Fixed(1),
            "Int16" | "UInt16" | "Date" | "Enum16" | "BFloat16" => Self::Fixed(2),
            "Int32" | "UInt32" | "Float32" | "Date32" | "DateTime" | "IPv4" | "Time" | "Decimal32" => {
                Self::Fixed(4)
            }
            "Int64" | "UInt64" | "Float64" | "DateTime64" | "Time64" | "Decimal64" => Self::Fixed(8),
            "Int128" | "UInt128" | "UUID" | "IPv6" | "Decimal128" | "Point" => Self::Fixed(16),
            "Int256" | "UInt256" | "Decimal256" => Self::Fixed(32),
            "Decimal" => Self::Fixed(match parts.first()?.parse::<u32>().ok()? {
                ..=9 => 4,
                10..=18 => 8,
                19..=38 => 16,
                _ => 32,
            }),
            "FixedString" => Self::Fixed(parts.first()?.parse().ok()?),
            "String" => Self::Text,
            "Nullable" => Self::Nullable(inner(0)?),
            "Array" => Self::Array(inner(0)?),
            "LowCardinality" => Self::LowCardinality(match *inner(0)? {
                Self::Nullable(inner) => inner,
                other => Box::new(other),
            }),
            "SimpleAggregateFunction" => *inner(1)?,
            "Map" => Self::Array(Box::new(Self::Tuple(vec![*inner(0)?, *inner(1)?]))),
            "Dynamic" => Self::Dynamic,
            "JSON" => {
                let typed = |part: &&&str| !part.starts_with("SKIP ") && !part.starts_with("max_dynamic_");
                let form = |part: &&str| Self::parse(without_name(part), depth + 1);
                Self::Json(parts.iter().filter(typed).map(form).collect::<Option<_>>()?)
            }
            "Tuple" if parts.is_empty() => Self::Fixed(1),
            "Tuple" => Self::Tuple(all(true)?),
            "Nested" => Self::Array(Box::new(Self::Tuple(all(true)?))),
            "Variant" => Self::Variant(all(false)?),
            "Ring" | "LineString" => *ring(),
            "Polygon" | "MultiLineString" => *polygon(),
            "MultiPolygon" => Self::Array(polygon()),
            interval if interval.starts_with("Interval") => Self::Fixed(8),
            _ => return None,
        })
    }
}

/// Splits the arguments of a type at its own commas.
fn arguments(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut begin, mut quote) = (0_i32, 0, None);
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '`' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(inside[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !inside.trim().is_empty() {
        parts.push(inside[begin..].trim());
    }
    parts
}

/// Returns the type of a tuple's element, which may have a name before it.
fn without_name(part: &str) -> &str {
    if let Some(rest) = part.strip_prefix('`') {
        let mut escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let ends = *c == '`' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        return end.map_or(part, |(at, _)| rest[at + 1..].trim());
    }
    match part.split_once(' ') {
        // A type's own arguments hold blanks, too: `Decimal(9, 2)`.
        Some((name, rest)) if !name.contains('(') => rest.trim(),
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_understood() {
        let tuple = Form::parse(
            "Tuple(a UInt8, `b c` Nullable(Decimal(20, 2)), Enum8('x,(' = 1))",
            0,
        );
        let nullable = Form::Nullable(Box::new(Form::Fixed(16)));
        assert_eq!(
            tuple,
            Some(Form::Tuple(vec![Form::Fixed(1), nullable, Form::Fixed(1)]))
        );
        assert_eq!(
            Form::parse("Map(LowCardinality(Nullable(String)), DateTime64(3, 'UTC'))", 0),
            Some(Form::Array(Box::new(Form::Tuple(vec![
                Form::LowCardinality(Box::new(Form::Text)),
                Form::Fixed(8)
            ]))))
        );
        assert_eq!(
            Form::parse(
                "JSON(max_dynamic_paths=8, `a b` UInt32, d.e Array(UInt8), SKIP f, SKIP REGEXP 'g,h')",
                0
            ),
            Some(Form::Json(vec![
                Form::Fixed(4),
                Form::Array(Box::new(Form::Fixed(1)))
            ]))
        );
        assert_eq!(Form::parse("AggregateFunction(sum, UInt8)", 0), None);
        assert_eq!(Form::parse(&"Array(".repeat(100), 0), None);
    }
}
