//! Settings are objects with names: a list of values is none, though a derived reader would take it by position.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    AlarmInterlock, Hours, InterlockSettings, Opening, OpeningRule, Schedule, Season, SensorInterlock,
    Settings,
};

struct Object<T>(PhantomData<T>);

/// What reads the fields of an object; derived, beside the type.
trait Fields: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl<'de, T: Fields> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with named values")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(MapAccessDeserializer::new(map))
    }
}

macro_rules! objects {
    ($($name:ident)+) => {$(
        impl Fields for $name {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // The derived function of that name, which comes before the trait's.
                $name::deserialize(deserializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(Object(PhantomData))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $name::serialize(self, serializer)
            }
        }
    )+};
}

objects! {
    Settings Opening OpeningRule Season Hours InterlockSettings SensorInterlock AlarmInterlock Schedule
}
