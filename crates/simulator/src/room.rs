//! One room's heat and moisture: air and mass, exchanging heat with each other and with the outdoors.
//!
//! In: outdoor conditions, people, how far the window is open. Out: temperature, humidity, CO₂ and the flows that changed
//! them. Two capacities for heat (air, mass) and one for water; explicit Euler, so steps stay below a minute.

use crate::{
    air,
    profile::{Activity, Profile},
    weather::{Outdoor, SimulatedTime},
};

/// Wallpaper, textiles and wood hold this many times the water of the air (effective capacitance model).
const MOISTURE_CAPACITY: f64 = 4.0;
/// CO₂ outdoors, ppm.
const OUTDOOR_CO2_PPM: f64 = 420.0;
/// What a seated person breathes out: 0.0052 l/s (ASHRAE 62.1-2016, appendix D), in ppm·m³/s.
const CO2_PER_PERSON: f64 = 5.2;
/// Convective transfer to a pane, W/(m² K); by Lewis' relation it carries water to it as well.
const PANE_W_PER_M2_K: f64 = 3.5;
/// How much of the temperature difference lies between the air and the inner side of a pane.
const PANE_DROP: f64 = 0.3;

/// Heat entering the room in watts (leaving: negative) and water in kg/s, during one step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flows {
    /// Through glass and walls, W.
    pub envelope_w: f64,
    /// With the air that comes and goes, W.
    pub air_w: f64,
    /// From the heating, W.
    pub heating_w: f64,
    /// From the sun, W.
    pub sun_w: f64,
    /// From people and machines, W.
    pub people_w: f64,
    /// Air exchange through window and joints, m³/s.
    pub exchange_m3_per_s: f64,
    /// Water, all ways together, kg/s.
    pub water_kg_per_s: f64,
}

impl Flows {
    /// All heat together, W.
    pub fn heat_w(&self) -> f64 {
        self.envelope_w + self.air_w + self.heating_w + self.sun_w + self.people_w
    }
}

/// The state of one room.
#[derive(Debug, Clone)]
pub struct Room {
    profile: Profile,
    air_celsius: f64,
    mass_celsius: f64,
    humidity_ratio: f64,
    co2_ppm: f64,
}

impl Room {
    /// A room that has stood like this for a while.
    pub fn new(profile: Profile, celsius: f64, humidity_percent: f64) -> Self {
        Self {
            profile,
            air_celsius: celsius,
            mass_celsius: celsius,
            humidity_ratio: air::ratio_from_relative(celsius, humidity_percent),
            co2_ppm: OUTDOOR_CO2_PPM,
        }
    }

    /// The room's constants.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Air temperature, degrees Celsius.
    pub const fn temperature_celsius(&self) -> f64 {
        self.air_celsius
    }

    /// Temperature of walls, floor and ceiling, degrees Celsius.
    pub const fn mass_celsius(&self) -> f64 {
        self.mass_celsius
    }

    /// Relative humidity, percent.
    pub fn humidity_percent(&self) -> f64 {
        air::relative_humidity(self.air_celsius, self.humidity_ratio).clamp(0.0, 100.0)
    }

    /// CO₂ in the air, ppm.
    pub const fn co2_ppm(&self) -> f64 {
        self.co2_ppm
    }

    /// Dew point, degrees Celsius.
    pub fn dew_point_celsius(&self) -> f64 {
        air::dew_point(self.humidity_ratio)
    }

    /// Heat stored above 0 °C, J.
    pub fn stored_j(&self) -> f64 {
        self.profile.air_j_per_k * self.air_celsius + self.profile.mass_j_per_k * self.mass_celsius
    }

    /// Air through an open window, m³/s: single-sided ventilation by de Gids and Phaff (1982), as in EN 16798-7.
    /// `opening` is 0 (shut) to 1 (wide open).
    pub fn window_m3_per_s(&self, outdoor: &Outdoor, opening: f64) -> f64 {
        let difference = (self.air_celsius - outdoor.temperature_celsius).abs();
        let drive =
            0.01 + 0.001 * outdoor.wind_m_per_s.powi(2) + 0.0035 * self.profile.opening_height_m * difference;
        0.5 * self.profile.opening_m2 * opening * drive.sqrt()
    }

    /// The thermostat: full power 1 K below the wanted temperature, none above it.
    pub fn thermostat_w(&self, time: SimulatedTime) -> f64 {
        let (day, night) = self.profile.heating_celsius;
        let wanted = if (6.0..22.5).contains(&time.hour()) {
            day
        } else {
            night
        };
        self.profile.heating_w * (wanted - self.air_celsius).clamp(0.0, 1.0)
    }

    /// Lets `seconds` (at most 60) pass; `heating_w` is what the heating gives.
    pub fn step(
        &mut self,
        seconds: f64,
        outdoor: &Outdoor,
        opening: f64,
        activity: &Activity,
        heating_w: f64,
    ) -> Flows {
        debug_assert!(seconds <= 60.0, "explicit steps of more than a minute may swing");
        let p = &self.profile;
        let leakage = p.volume_m3 * p.leakage_per_h / 3_600.0 * (0.5 + 0.2 * outdoor.wind_m_per_s);
        let exchange = leakage + self.window_m3_per_s(outdoor, opening);
        let air_kg_per_s = exchange * air::DENSITY;
        let air_difference = outdoor.temperature_celsius - self.air_celsius;
        let glass_w = p.glass_w_per_k * air_difference;
        let wall_w = p.wall_w_per_k * (outdoor.temperature_celsius - self.mass_celsius);
        let air_w = air_kg_per_s * air::SPECIFIC_HEAT * air_difference;
        let sun_w = p.solar_m2 * outdoor.sunlight_w_per_m2;
        let to_mass_w = p.coupling_w_per_k * (self.air_celsius - self.mass_celsius);
        let water_kg_per_s = activity.moisture_kg_per_s
            + air_kg_per_s * (outdoor.humidity_ratio() - self.humidity_ratio)
            - self.condensing_kg_per_s(outdoor);
        // Sunlight warms what it falls on: mostly floor and furniture.
        let air_gain = glass_w + air_w + 0.4 * sun_w + activity.heat_w + heating_w - to_mass_w;
        let mass_gain = wall_w + 0.6 * sun_w + to_mass_w;
        let co2 = CO2_PER_PERSON * activity.people - exchange * (self.co2_ppm - OUTDOOR_CO2_PPM);
        self.co2_ppm += co2 / p.volume_m3 * seconds;
        let water_capacity = MOISTURE_CAPACITY * p.volume_m3 * air::DENSITY;
        self.air_celsius += air_gain / p.air_j_per_k * seconds;
        self.mass_celsius += mass_gain / p.mass_j_per_k * seconds;
        let ratio = self.humidity_ratio + water_kg_per_s / water_capacity * seconds;
        // What the air cannot hold falls out as mist.
        self.humidity_ratio = ratio.clamp(1e-5, air::saturation_ratio(self.air_celsius));
        Flows {
            envelope_w: glass_w + wall_w,
            air_w,
            heating_w,
            sun_w,
            people_w: activity.heat_w,
            exchange_m3_per_s: exchange,
            water_kg_per_s,
        }
    }

    /// Water that condenses on cold panes, kg/s.
    fn condensing_kg_per_s(&self, outdoor: &Outdoor) -> f64 {
        let pane = self.air_celsius - PANE_DROP * (self.air_celsius - outdoor.temperature_celsius).max(0.0);
        let excess = (self.humidity_ratio - air::saturation_ratio(pane)).max(0.0);
        PANE_W_PER_M2_K / air::SPECIFIC_HEAT * self.profile.glass_m2 * excess
    }
}
