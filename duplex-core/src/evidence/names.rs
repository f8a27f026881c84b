//! Weights in policies and journals: by name, all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{FEATURES, Feature, Linear, SOUND_KINDS, SoundKind, Weights};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedLinear {
    bias: i32,
    weights: BTreeMap<String, i32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedWeights {
    over: Linear,
    sound: BTreeMap<String, Linear>,
}

impl Serialize for Linear {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named =
            |&feature: &Feature| (feature.name().to_owned(), self.weights[feature as usize]);
        let weights = Feature::ALL.iter().map(named).collect();
        NamedLinear { bias: self.bias, weights }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Linear {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let NamedLinear { bias, weights: named } = NamedLinear::deserialize(deserializer)?;
        let mut weights = [0; FEATURES];
        for &feature in Feature::ALL {
            let missing = || D::Error::custom(format!("no weight for {}", feature.name()));
            weights[feature as usize] = *named.get(feature.name()).ok_or_else(missing)?;
        }
        match named.keys().find(|name| Feature::named(name).is_none()) {
            Some(name) => Err(D::Error::custom(format!("there is no feature {name}"))),
            None => Ok(Self { bias, weights }),
        }
    }
}

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kinds = SoundKind::ALL.iter().zip(&self.sound);
        let sound = kinds.map(|(kind, model)| (kind.name().to_owned(), *model)).collect();
        NamedWeights { over: self.over, sound }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let NamedWeights { over, sound: named } = NamedWeights::deserialize(deserializer)?;
        let mut sound = [over; SOUND_KINDS];
        for &kind in SoundKind::ALL {
            let missing = || D::Error::custom(format!("no weights for {}", kind.name()));
            sound[kind as usize] = *named.get(kind.name()).ok_or_else(missing)?;
        }
        match named.keys().find(|name| SoundKind::named(name).is_none()) {
            Some(name) => Err(D::Error::custom(format!("there is no kind of sound {name}"))),
            None => Ok(Self { over, sound }),
        }
    }
}
