//! What a room sounds like, and recordings of it.
//!
//! In: how loud each source is at the microphone. Out: samples at 16 kHz and the source that stands out. A recording
//! depends on its ambience and its generator only. Levels are dB(A); 90 dB is full scale, as with a gain of 30 dB.

mod filter;
mod speech;
mod voices;

use rand_chacha::ChaCha8Rng;

/// Samples a second.
pub const SAMPLE_RATE: u32 = 16_000;
/// The level of a full-scale signal.
const FULL_SCALE_DB: f64 = 90.0;
/// A source stands out when it is this much louder than the room without it.
const OUTSTANDING_DB: f64 = 3.0;

/// The source that stands out in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SoundKind {
    /// Ventilation, a refrigerator: an empty room.
    Quiet,
    /// Traffic.
    Street,
    /// Rain.
    Rain,
    /// Somebody talks.
    Speech,
    /// A smoke alarm.
    Alarm,
}

impl SoundKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Quiet, Self::Street, Self::Rain, Self::Speech, Self::Alarm];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Street => "street",
            Self::Rain => "rain",
            Self::Speech => "speech",
            Self::Alarm => "alarm",
        }
    }
}

/// How loud each source is at the microphone, dB(A); `None` is silent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ambience {
    /// The room's own noise.
    pub background_db: f64,
    /// Traffic, after the window's attenuation.
    pub street_db: f64,
    /// Rain, after the window's attenuation.
    pub rain_db: Option<f64>,
    /// Somebody who talks in the room.
    pub speech_db: Option<f64>,
    /// A smoke alarm.
    pub alarm_db: Option<f64>,
    /// How far the window is open, 0 to 1: a shut one keeps out high frequencies best.
    pub opening: f64,
}

impl Ambience {
    /// A room in which `kind` stands out.
    pub fn typical(kind: SoundKind) -> Self {
        let with = |wanted: SoundKind, db: f64| (kind == wanted).then_some(db);
        Self {
            background_db: 32.0,
            street_db: if kind == SoundKind::Street { 60.0 } else { 25.0 },
            rain_db: with(SoundKind::Rain, 58.0),
            speech_db: with(SoundKind::Speech, 62.0),
            alarm_db: with(SoundKind::Alarm, 85.0),
            opening: 0.5,
        }
    }

    /// Everything together, dB(A).
    pub fn level_db(&self) -> f64 {
        sum_db(&[
            Some(self.background_db),
            Some(self.street_db),
            self.rain_db,
            self.speech_db,
            self.alarm_db,
        ])
    }

    /// The loudest source that stands out.
    pub fn kind(&self) -> SoundKind {
        if self.alarm_db.is_some() {
            return SoundKind::Alarm;
        }
        let sources = [
            (SoundKind::Speech, self.speech_db),
            (SoundKind::Rain, self.rain_db),
            (SoundKind::Street, Some(self.street_db)),
        ];
        sources
            .into_iter()
            .filter_map(|(kind, db)| db.map(|db| (kind, db)))
            .filter(|(_, db)| *db >= self.background_db + OUTSTANDING_DB)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(SoundKind::Quiet, |(kind, _)| kind)
    }
}

/// Adds levels as the energies they are.
fn sum_db(levels: &[Option<f64>]) -> f64 {
    10.0 * levels
        .iter()
        .flatten()
        .map(|db| 10_f64.powf(db / 10.0))
        .sum::<f64>()
        .log10()
}

/// Shares of the sound's energy that pass a shut window (30 dB) and a wide open one, furniture included (10 dB).
const PASSES_SHUT: f64 = 0.001;
const PASSES_OPEN: f64 = 0.1;

/// How much of a noise outside a window of this opening (0 to 1) keeps out, dB: 30 shut, about 20 ajar, 10 wide open
/// (the WHO's night noise guidelines for Europe, 2009, section 1.3.4, give 21 as the mean of a year).
pub fn window_attenuation_db(opening: f64) -> f64 {
    -10.0 * (PASSES_SHUT + PASSES_OPEN * opening.clamp(0.0, 1.0)).log10()
}

/// The widest opening, 0 to 1, that keeps out `db`; 0 where even a shut window does not.
pub fn opening_for_attenuation(db: f64) -> f64 {
    ((10_f64.powf(-db / 10.0) - PASSES_SHUT) / PASSES_OPEN).clamp(0.0, 1.0)
}

/// Rain on roofs, leaves and the sill in front of a window, dB(A): about 45 in drizzle, 70 in a downpour.
pub fn rain_db(mm_per_h: f64) -> Option<f64> {
    (mm_per_h > 0.05).then(|| (56.0 + 11.0 * mm_per_h.log10()).clamp(42.0, 72.0))
}

/// Samples of `seconds` of an ambience, −1 to 1.
pub fn synthesise(ambience: &Ambience, seconds: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let samples = (seconds * f64::from(SAMPLE_RATE)).round() as usize;
    let mut mix = Mix(vec![0.0; samples]);
    mix.add(voices::room_noise(samples, rng), ambience.background_db);
    mix.add(
        filter::muffle(voices::street(samples, rng), ambience.opening),
        ambience.street_db,
    );
    if let Some(db) = ambience.rain_db {
        mix.add(filter::muffle(voices::rain(samples, rng), ambience.opening), db);
    }
    if let Some(db) = ambience.speech_db {
        mix.add(speech::speech(samples, rng), db);
    }
    if let Some(db) = ambience.alarm_db {
        mix.add(voices::alarm(samples, rng), db);
    }
    // A microphone that is too loud clips.
    mix.0.into_iter().map(|x| x.clamp(-1.0, 1.0) as f32).collect()
}

struct Mix(Vec<f64>);

impl Mix {
    /// Adds a source at the given level, whatever its own loudness is.
    fn add(&mut self, source: Vec<f64>, level_db: f64) {
        let energy = source.iter().map(|x| x * x).sum::<f64>() / source.len().max(1) as f64;
        if energy <= 0.0 {
            return;
        }
        let gain = 10_f64.powf((level_db - FULL_SCALE_DB) / 20.0) / energy.sqrt();
        for (sum, x) in self.0.iter_mut().zip(source) {
            *sum += gain * x;
        }
    }
}
