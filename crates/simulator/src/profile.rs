//! Kinds of rooms: how large and heavy they are, who lives in them and when, how loud the street is there.
//!
//! In: a kind and a seed. Out: the constants of one room, varied so that no two are alike, and its occupants by time.

use rand::Rng;

use crate::{
    noise::{self, Noise},
    weather::{SimulatedTime, bell},
};

/// What a room is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// People in the evening, a street in front of it.
    LivingRoom,
    /// Two people at night, towards the yard.
    Bedroom,
    /// Cooking three times a day.
    Kitchen,
    /// People and computers on weekdays.
    Office,
    /// Many people on weekday mornings.
    Classroom,
    /// Glass and plants.
    Greenhouse,
}

impl RoomKind {
    /// Every kind, in the order in which devices get them.
    pub const ALL: [Self; 6] = [
        Self::LivingRoom,
        Self::Bedroom,
        Self::Kitchen,
        Self::Office,
        Self::Classroom,
        Self::Greenhouse,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LivingRoom => "living_room",
            Self::Bedroom => "bedroom",
            Self::Kitchen => "kitchen",
            Self::Office => "office",
            Self::Classroom => "classroom",
            Self::Greenhouse => "greenhouse",
        }
    }
}

/// The constants of one room.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What it is used for.
    pub kind: RoomKind,
    /// Cubic metres of air.
    pub volume_m3: f64,
    /// Heat loss of glass and other light parts, W/K, between air and outdoors.
    pub glass_w_per_k: f64,
    /// Heat loss of walls, W/K, between their mass and outdoors.
    pub wall_w_per_k: f64,
    /// Heat exchange between air and mass, W/K.
    pub coupling_w_per_k: f64,
    /// Heat capacity of air and furniture, J/K.
    pub air_j_per_k: f64,
    /// Heat capacity of walls, floor and ceiling, J/K.
    pub mass_j_per_k: f64,
    /// Square metres of glass.
    pub glass_m2: f64,
    /// Watts indoors for each W/m² of sunlight on level ground.
    pub solar_m2: f64,
    /// Clear area of the window when wide open, m².
    pub opening_m2: f64,
    /// Height of the window's opening, m.
    pub opening_height_m: f64,
    /// Air exchange through joints, in room volumes an hour.
    pub leakage_per_h: f64,
    /// The thermostat by day and by night, degrees Celsius.
    pub heating_celsius: (f64, f64),
    /// The most the heating gives, W.
    pub heating_w: f64,
    /// Loudness of the street here against a busy one, dB.
    pub street_offset_db: f64,
    /// Ventilation, refrigerator, computers: dB(A) in the empty room.
    pub background_db: f64,
    most_people: f64,
    habit: Noise,
}

/// People and what they do, at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activity {
    /// How many people; fractions stand for part of the time.
    pub people: f64,
    /// Heat from people and their machines, W.
    pub heat_w: f64,
    /// Water they give off, kg/s.
    pub moisture_kg_per_s: f64,
    /// The chance that somebody speaks, 0 to 1.
    pub speech: f64,
}

/// Sensible heat of a seated person (EN 16798-1 uses 70 to 80 W), and of the devices each brings.
const PERSON_W: f64 = 75.0;
/// Water a resting person gives off: about 50 g/h.
const PERSON_KG_PER_S: f64 = 0.050 / 3_600.0;

impl Profile {
    /// The room of device number `index`: kinds take turns, sizes and habits are drawn from the seed.
    pub fn for_device(seed: u64, index: usize) -> Self {
        Self::new(RoomKind::ALL[index % RoomKind::ALL.len()], seed, index)
    }

    /// A room of the given kind.
    pub fn new(kind: RoomKind, seed: u64, index: usize) -> Self {
        use RoomKind::{Bedroom, Classroom, Greenhouse, Kitchen, LivingRoom, Office};
        let stream = 1_000 + 10 * index as u64;
        let mut rng = noise::generator(seed, stream);
        let mut vary = |value: f64| value * rng.random_range(0.85..1.15);
        // Floor area m², glass m², people, heating W, street dB, background dB.
        let (floor, glass, people, heating, street, background) = match kind {
            LivingRoom => (24.0, 4.0, 3.0, 2_000.0, 0.0, 33.0),
            Bedroom => (15.0, 2.0, 2.0, 1_200.0, -9.0, 30.0),
            Kitchen => (12.0, 1.8, 2.0, 1_200.0, -3.0, 38.0),
            Office => (22.0, 4.5, 4.0, 1_800.0, 1.0, 40.0),
            Classroom => (60.0, 11.0, 24.0, 5_000.0, -5.0, 37.0),
            Greenhouse => (10.0, 16.0, 0.3, 800.0, -8.0, 34.0),
        };
        let floor = vary(floor);
        let glass_m2 = vary(glass);
        let volume_m3 = floor * 2.6;
        let is_glass = kind == Greenhouse;
        // A medium-heavy building has 165 kJ/K for each m² of floor (ISO 13790, table 12); a greenhouse has its soil.
        let mass_j_per_k = vary(if is_glass { 60_000.0 } else { 165_000.0 }) * floor;
        Self {
            kind,
            volume_m3,
            glass_w_per_k: if is_glass { 5.0 } else { 1.3 } * glass_m2,
            wall_w_per_k: vary(if is_glass { 4.0 } else { 0.5 * floor }),
            coupling_w_per_k: vary(7.5) * floor,
            // Furniture triples the capacity of the bare air.
            air_j_per_k: 3.0 * volume_m3 * crate::air::DENSITY * crate::air::SPECIFIC_HEAT,
            mass_j_per_k,
            glass_m2,
            // Frame, glass and blinds leave about a quarter of what falls on level ground.
            solar_m2: if is_glass { 0.22 } else { 0.17 } * glass_m2,
            opening_m2: vary(0.9) * (floor / 20.0).clamp(0.7, 2.5),
            opening_height_m: vary(1.1),
            leakage_per_h: vary(if is_glass { 0.6 } else { 0.2 }),
            heating_celsius: if is_glass {
                (8.0, 8.0)
            } else {
                (vary(0.7) + 20.0, vary(0.7) + 17.0)
            },
            heating_w: vary(heating),
            street_offset_db: street + vary(2.0) - 2.0,
            background_db: background + vary(10.0) - 10.0,
            most_people: people,
            habit: Noise::new(seed, stream + 1, 1_800.0),
        }
    }

    /// Who is in the room at `time`, and what they do.
    pub fn activity(&self, time: SimulatedTime) -> Activity {
        use RoomKind::{Bedroom, Classroom, Greenhouse, Kitchen, LivingRoom, Office};
        let hour = time.hour();
        let workday = if time.is_weekend() { 0.0 } else { 1.0 };
        let cooking = bell(hour, 7.2, 0.3) + bell(hour, 12.5, 0.4) + 1.5 * bell(hour, 18.7, 0.5);
        let presence = match self.kind {
            LivingRoom => bell(hour, 20.0, 2.2) + 0.3 * bell(hour, 11.0, 3.0) * (2.0 - workday),
            Bedroom => bell(hour, 2.5, 3.2) + 0.1,
            Kitchen => cooking.min(1.0),
            Office => workday * (bell(hour, 10.5, 1.8) + bell(hour, 15.0, 1.8)).min(1.0),
            Classroom => workday * bell(hour, 10.8, 1.9),
            Greenhouse => bell(hour, 10.0, 1.5),
        };
        let mood = self.habit.at(time.seconds());
        let people = self.most_people * (presence * (1.0 + 0.3 * mood)).clamp(0.0, 1.2);
        let (machines_w, water_kg_per_h, talkative) = match self.kind {
            LivingRoom => (60.0 * presence, 0.05, 0.55),
            Bedroom => (5.0, 0.02, 0.06),
            Kitchen => (90.0 + 900.0 * cooking, 0.03 + 0.9 * cooking, 0.5),
            Office => (40.0 + 80.0 * people, 0.03, 0.5),
            Classroom => (100.0 * presence, 0.02, 0.8),
            // Plants transpire in daylight.
            Greenhouse => (0.0, 0.05 + 0.5 * bell(hour, 13.0, 3.0), 0.2),
        };
        Activity {
            people,
            heat_w: PERSON_W * people + machines_w,
            moisture_kg_per_s: PERSON_KG_PER_S * people + water_kg_per_h / 3_600.0,
            speech: talkative * people.min(1.0),
        }
    }
}
