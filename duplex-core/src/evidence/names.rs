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

/// The values of all `names`, in their order; an error where one is missing, or another is there.
fn in_order<V: Copy, E: Error>(
    named: &BTreeMap<String, V>,
    names: impl Iterator<Item = &'static str> + Clone,
    what: &str,
) -> Result<Vec<V>, E> {
    if let Some(name) = named.keys().find(|name| !names.clone().any(|known| known == *name)) {
        return Err(E::custom(format!("there is no {what} {name}")));
    }
    let value = |name: &'static str| {
        named
            .get(name)
            .copied()
            .ok_or_else(|| E::custom(format!("no weights for the {what} {name}")))
    };
    names.map(value).collect()
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
        let names = Feature::ALL.iter().map(|feature| feature.name());
        let mut weights = [0; FEATURES];
        weights.copy_from_slice(&in_order(&named, names, "feature")?);
        Ok(Self { bias, weights })
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
        let names = SoundKind::ALL.iter().map(|kind| kind.name());
        let mut sound = [over; SOUND_KINDS];
        sound.copy_from_slice(&in_order(&named, names, "kind of sound")?);
        Ok(Self { over, sound })
    }
}
