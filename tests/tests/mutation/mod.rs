//! Damage to bytes that were in order, for tests of what reads them.

use bolero::{TypeGenerator, ValueGenerator, generator::TypeGeneratorWithParams as _};

/// A piece of damage. Places count from the beginning and wrap around at the end.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum Mutation {
    /// A byte is another.
    Byte(u16, u8),
    /// A bit is another.
    Bit(u16, u8),
    /// Four bytes are another number, little-endian: a size, a count, a rate.
    Number(u16, u32),
    /// The rest is missing.
    Cut(u16),
    /// Bytes are missing.
    Without(u16, u8),
    /// Bytes that do not belong there.
    Inserted(u16, [u8; 3]),
    /// Bytes of another place.
    Copied(u16, u16, u8),
}

/// A little damage: of much nothing is learnt, since the first piece of it is what is refused.
pub(crate) fn damage() -> impl ValueGenerator<Output = Vec<Mutation>> {
    Vec::<Mutation>::gen_with().len(1..=4usize)
}

/// The bytes with the damage, one piece after another.
pub(crate) fn mutated(bytes: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        let place = |at: u16| usize::from(at) % length;
        let range =
            |from: u16, count: u8| place(from)..(place(from) + usize::from(count)).min(length);
        match *mutation {
            Mutation::Byte(at, byte) => bytes[place(at)] = byte,
            Mutation::Bit(at, bit) => bytes[place(at)] ^= 1 << (bit % 8),
            Mutation::Number(at, number) => {
                let bytes = bytes[place(at)..].iter_mut();
                bytes.zip(number.to_le_bytes()).for_each(|(byte, new)| *byte = new);
            }
            Mutation::Cut(at) => bytes.truncate(place(at)),
            Mutation::Without(at, count) => drop(bytes.drain(range(at, count))),
            Mutation::Inserted(at, new) => {
                bytes.splice(place(at)..place(at), new);
            }
            Mutation::Copied(from, to, count) => {
                let copy = bytes[range(from, count)].to_vec();
                bytes.splice(place(to)..place(to), copy);
            }
        }
    }
    bytes
}
