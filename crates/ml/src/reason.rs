//! Why a window moves or stays, in one sentence that is true of the numbers.
//!
//! In: what a decision is based on, its contributions, where the window stands. Out: text, put together of clauses: what
//! happens, what moved the prediction (the most important first), what is doubtful, why it is not carried out. Pure.
//! It never says more than the model knows: neither the season nor the weather.

use std::fmt::Write as _;

use domain::{Contributions, Position, WindowContext};

/// Category II of EN 16798-1 (annex B3.3): air is dry below, damp above, %.
const DRY: f64 = 25.0;
const DAMP: f64 = 60.0;
/// Where mould grows on cool walls (EN ISO 13788: 80 % at the surface), %.
const VERY_DAMP: f64 = 75.0;
/// A clip is quiet or loud at this factor from the level that the model was trained on: 6 dB.
const LEVEL_FACTOR: f64 = 2.0;
/// Contributions that would be shown as 0 are not worth a word, points.
const WORTH_A_WORD: f64 = 0.5;

/// How loud a clip is beside those that the model was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loudness {
    Quiet,
    Ordinary,
    Loud,
}

impl Loudness {
    /// Compares root mean squares.
    pub(crate) fn of(rms: f64, trained: f64) -> Self {
        if rms * LEVEL_FACTOR <= trained {
            Self::Quiet
        } else if rms >= trained * LEVEL_FACTOR {
            Self::Loud
        } else {
            Self::Ordinary
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Ordinary => "ordinary sound",
            Self::Loud => "loud",
        }
    }
}

/// Why a prediction is doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The inputs lie outside the training data.
    FarOff,
    /// The model states no confidence.
    Unknown,
}

/// What a decision is based on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis {
    /// In degrees Celsius.
    pub(crate) temperature: f64,
    /// In percent.
    pub(crate) humidity: f64,
    /// `None` without a clip.
    pub(crate) sound: Option<Loudness>,
    /// `None` where they are unknown.
    pub(crate) contributions: Option<Contributions>,
    pub(crate) doubt: Option<Doubt>,
}

/// The clauses that say what a prediction is based on, the most important first.
pub(crate) fn basis(basis: &Basis) -> String {
    let temperature = format!("{:.1} °C", basis.temperature);
    let humidity = format!("{:.0} %", basis.humidity);
    let known = basis.contributions;
    let mut parts = vec![
        (
            warmth(basis.temperature),
            temperature,
            known.map(|c| c.temperature),
        ),
        (dampness(basis.humidity), humidity, known.map(|c| c.humidity)),
    ];
    if let Some(sound) = basis.sound {
        parts.push((sound.words(), String::new(), known.map(|c| c.sound)));
    }
    let everything = parts.clone();
    parts.retain(|(_, _, points)| points.is_none_or(|points| points.abs() >= WORTH_A_WORD));
    parts.sort_by(|one, other| size(other.2).total_cmp(&size(one.2)));
    let mut clauses: Vec<String> = parts.into_iter().map(clause).collect();
    if clauses.is_empty() {
        let values: Vec<String> = everything.into_iter().map(|part| part.1).collect();
        let values: Vec<&str> = values
            .iter()
            .map(String::as_str)
            .filter(|text| !text.is_empty())
            .collect();
        clauses.push(format!("nothing stands out ({})", values.join(", ")));
    }
    if basis.sound.is_none() {
        clauses.push("no sound heard".to_owned());
    }
    let mut text = clauses.join(", ");
    text.push_str(match basis.doubt {
        Some(Doubt::FarOff) => "; this lies far from what the model was trained on",
        Some(Doubt::Unknown) => "; how sure the model is, it does not know",
        None => "",
    });
    text
}

/// The sentence of a command: from where to where, on which basis, and what the model wanted where it got less or more.
pub(crate) fn told(
    basis: &str,
    window: Option<&WindowContext>,
    target: Position,
    wish: Option<Position>,
) -> String {
    let from = window.and_then(present);
    let to = percent(target);
    let mut text = match from {
        None => format!("set to {to}"),
        Some(from) if percent(from) == to => format!("kept at {to}"),
        Some(from) if target > from => format!("opened to {to}"),
        Some(_) if target == Position::SHUT => "shut".to_owned(),
        Some(_) => format!("closed to {to}"),
    };
    // The law shuts a window for less than the least move, whatever the limits are.
    if let Some(wish) = wish
        && target == Position::SHUT
        && window.is_some_and(|window| allows(window, wish))
    {
        let _ = write!(text, ", as {} is too little to open for", percent(wish));
    } else if let Some(wish) = wish {
        let bound = if target < wish { "most" } else { "least" };
        let _ = write!(
            text,
            ", the {bound} that is allowed now (wished for {})",
            percent(wish)
        );
    }
    format!("{text}: {basis}")
}

/// Whether limits and interlocks would let a window stand there.
fn allows(window: &WindowContext, wish: Position) -> bool {
    let is_within = (window.limits.min..=window.limits.max).contains(&wish.percent());
    is_within && window.interlocks.iter().all(|interlock| wish <= interlock.most)
}

/// The sentence of a wish that is not carried out.
pub(crate) fn kept(basis: &str, wish: Position, why: &str) -> String {
    format!("wished for {}: {basis}; not carried out: {why}", percent(wish))
}

/// Where the window is or is going to be.
fn present(window: &WindowContext) -> Option<Position> {
    let commanded = window.commanded.filter(|_| window.commanded_at.is_some());
    commanded.or(window.position)
}

/// Whole per cents where that is what it is.
fn percent(position: Position) -> String {
    let percent = position.percent();
    if (percent - percent.round()).abs() < 0.05 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

fn size(points: Option<f64>) -> f64 {
    points.map_or(0.0, f64::abs)
}

fn clause((words, value, points): (&'static str, String, Option<f64>)) -> String {
    let points = points.map(|points| {
        let sign = if points < 0.0 { '−' } else { '+' };
        format!("{sign}{:.0}", points.abs().round())
    });
    let inside: Vec<String> = [Some(value).filter(|value| !value.is_empty()), points]
        .into_iter()
        .flatten()
        .collect();
    if inside.is_empty() {
        words.to_owned()
    } else {
        format!("{words} ({})", inside.join(", "))
    }
}

fn warmth(celsius: f64) -> &'static str {
    match celsius {
        t if t < 16.0 => "cold",
        t if t < 20.0 => "cool",
        t if t < 24.0 => "mild",
        t if t < 27.0 => "warm",
        _ => "hot",
    }
}

fn dampness(percent: f64) -> &'static str {
    match percent {
        h if h < DRY => "dry air",
        h if h < DAMP => "comfortable humidity",
        h if h < VERY_DAMP => "damp air",
        _ => "very damp air",
    }
}

#[cfg(test)]
mod tests {
    use domain::{Cause, ContextInterlock, ContextLimits, Timestamp};

    use super::*;

    fn position(percent: f64) -> Position {
        Position::new(percent).expect("percent")
    }

    const fn points(temperature: f64, humidity: f64, sound: f64) -> Contributions {
        Contributions {
            average: 31.0,
            temperature,
            humidity,
            sound,
        }
    }

    fn of(
        temperature: f64,
        humidity: f64,
        sound: Option<Loudness>,
        contributions: Option<Contributions>,
    ) -> Basis {
        Basis {
            temperature,
            humidity,
            sound,
            contributions,
            doubt: None,
        }
    }

    #[test]
    fn what_moved_a_prediction_stands_by_its_weight() {
        use Loudness::{Loud, Ordinary, Quiet};
        let far = |basis| Basis {
            doubt: Some(Doubt::FarOff),
            ..basis
        };
        let unknown = |basis| Basis {
            doubt: Some(Doubt::Unknown),
            ..basis
        };
        let cases = [
            (
                of(26.4, 48.0, Some(Quiet), Some(points(38.0, 0.4, 6.0))),
                "warm (26.4 °C, +38), quiet (+6)",
            ),
            (
                of(21.0, 68.0, Some(Ordinary), Some(points(-4.0, 22.4, 1.0))),
                "damp air (68 %, +22), mild (21.0 °C, −4), ordinary sound (+1)",
            ),
            (
                of(15.9, 24.9, Some(Loud), Some(points(-30.0, -2.0, -40.6))),
                "loud (−41), cold (15.9 °C, −30), dry air (25 %, −2)",
            ),
            (
                of(18.0, 80.0, None, Some(points(-9.0, 12.0, 0.0))),
                "very damp air (80 %, +12), cool (18.0 °C, −9), no sound heard",
            ),
            (
                of(22.0, 45.0, Some(Ordinary), Some(points(0.4, -0.4, 0.1))),
                "nothing stands out (22.0 °C, 45 %)",
            ),
            (
                of(22.0, 45.0, None, Some(points(0.4, -0.4, 0.0))),
                "nothing stands out (22.0 °C, 45 %), no sound heard",
            ),
            (
                of(27.0, 59.9, Some(Loud), None),
                "hot (27.0 °C), comfortable humidity (60 %), loud",
            ),
            (
                far(of(40.0, 50.0, None, Some(points(60.0, 0.0, 0.0)))),
                "hot (40.0 °C, +60), no sound heard; this lies far from what the model was trained on",
            ),
            (
                unknown(of(25.0, 50.0, Some(Quiet), Some(points(3.0, 0.0, 0.5)))),
                "warm (25.0 °C, +3), quiet (+1); how sure the model is, it does not know",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(basis(&given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_command_says_which_way_the_window_goes() {
        let at = |percent| WindowContext {
            position: Some(position(percent)),
            ..WindowContext::default()
        };
        // What it was told last is where it is going to be; a position without its time says nothing.
        let told_70 = WindowContext {
            commanded: Some(position(70.0)),
            commanded_at: Some(Timestamp::from_millis(1)),
            ..at(0.0)
        };
        let half_told = WindowContext {
            commanded_at: None,
            ..told_70.clone()
        };
        let cases = [
            (None, 65.0, None, "set to 65 %: warm"),
            (Some(WindowContext::default()), 65.0, None, "set to 65 %: warm"),
            (Some(at(20.0)), 65.4, None, "opened to 65.4 %: warm"),
            (Some(at(80.0)), 65.0, None, "closed to 65 %: warm"),
            (Some(at(80.0)), 0.0, None, "shut: warm"),
            (Some(at(65.01)), 65.0, None, "kept at 65 %: warm"),
            (Some(told_70), 65.0, None, "closed to 65 %: warm"),
            (Some(half_told), 65.0, None, "opened to 65 %: warm"),
            (
                Some(at(0.0)),
                30.0,
                Some(80.0),
                "opened to 30 %, the most that is allowed now (wished for 80 %): warm",
            ),
            (
                Some(at(0.0)),
                10.0,
                Some(3.0),
                "opened to 10 %, the least that is allowed now (wished for 3 %): warm",
            ),
            (
                Some(at(80.0)),
                0.0,
                Some(2.7),
                "shut, as 2.7 % is too little to open for: warm",
            ),
            (
                Some(WindowContext {
                    interlocks: vec![ContextInterlock {
                        cause: Cause::Rain,
                        most: Position::SHUT,
                        until: None,
                    }],
                    ..at(80.0)
                }),
                0.0,
                Some(2.7),
                "shut, the most that is allowed now (wished for 2.7 %): warm",
            ),
        ];
        for (window, target, wish, expected) in cases {
            let limited = window.map(|window| WindowContext {
                limits: ContextLimits::default(),
                ..window
            });
            let said = told("warm", limited.as_ref(), position(target), wish.map(position));
            assert_eq!(said, expected);
        }
        assert_eq!(
            kept("warm", position(80.0), "it rains"),
            "wished for 80 %: warm; not carried out: it rains"
        );
    }

    #[test]
    fn loudness_is_six_decibels_from_what_was_trained() {
        for (rms, expected) in [
            (0.0, Loudness::Quiet),
            (0.05, Loudness::Quiet),
            (0.06, Loudness::Ordinary),
            (0.19, Loudness::Ordinary),
            (0.2, Loudness::Loud),
        ] {
            assert_eq!(Loudness::of(rms, 0.1), expected, "{rms}");
        }
    }
}
