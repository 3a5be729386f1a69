//! Errors as people read them in logs and in health.

use std::error::Error;

/// How the layers of HTTP clients begin to speak of what the layer below them says better.
const LAYERS: [&str; 5] = [
    "network error",
    "client error (",
    "error sending request",
    "tcp connect error",
    "dns error",
];

/// An error with its causes, in one line. A cause that the text before it ends with is left out, and so is a layer of a
/// client that only passes on another's error.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        cause = error.source();
        let is_layer = cause.is_some() && LAYERS.iter().any(|layer| next.starts_with(layer));
        if !is_layer && !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    fn chain(texts: &[&'static str]) -> Layer {
        let (first, rest) = texts.split_first().expect("an error");
        Layer(first, (!rest.is_empty()).then(|| Box::new(chain(rest))))
    }

    #[test]
    fn causes_are_told_once_and_layers_of_a_client_not_at_all() {
        for (texts, said) in [
            (&["a", "b", "c"][..], "a: b: c"),
            (&["a: b", "b"], "a: b"),
            (
                &[
                    "clickhouse is unavailable",
                    "network error: client error (Connect)",
                    "client error (Connect)",
                    "tcp connect error",
                    "Connection refused (os error 111)",
                ],
                "clickhouse is unavailable: Connection refused (os error 111)",
            ),
            (&["a", "client error (Connect)"], "a: client error (Connect)"),
        ] {
            assert_eq!(with_causes(&chain(texts)), said);
        }
    }
}
