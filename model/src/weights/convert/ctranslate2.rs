//! Reads CTranslate2's `model.bin`, versions 5 and 6.
//!
//! Little-endian throughout: `u32` version; string name of the model; `u32` revision; `u32` number of variables; per
//! variable a string name, `u8` rank, `u32` extents, `u8` type, `u32` bytes, the data; then `u32` number of aliases,
//! each two strings. A string is a `u16` length and as many bytes, the last of which is NUL.

use std::collections::BTreeMap;

use half::f16;

use super::ConvertError;

/// Type of a variable's elements; the numbers are CTranslate2's `DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    I8,
    I16,
    I32,
    F16,
    Bf16,
}

impl Element {
    fn from_id(id: u8) -> Option<Self> {
        const IDS: [Element; 6] =
            [Element::F32, Element::I8, Element::I16, Element::I32, Element::F16, Element::Bf16];
        IDS.get(usize::from(id)).copied()
    }

    fn size(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::I8 => 1,
        }
    }
}

/// A tensor, borrowed from the file. Invariant: `data` is as long as `shape` and `element` say.
#[derive(Clone, Debug)]
pub(super) struct Variable<'a> {
    pub(super) name: String,
    /// Row-major: the last extent varies fastest.
    pub(super) shape: Vec<usize>,
    element: Element,
    data: &'a [u8],
}

impl Variable<'_> {
    pub(super) fn wrong(&self, why: impl Into<String>) -> ConvertError {
        ConvertError::Variable { name: self.name.clone(), why: why.into() }
    }

    /// The value of a scalar of 8, 16 or 32 bits.
    pub(super) fn integer(&self) -> Result<i32, ConvertError> {
        match (self.element, self.data) {
            (Element::I8, &[a]) => Ok(i32::from(a.cast_signed())),
            (Element::I16, &[a, b]) => Ok(i32::from(i16::from_le_bytes([a, b]))),
            (Element::I32, &[a, b, c, d]) => Ok(i32::from_le_bytes([a, b, c, d])),
            _ => Err(self.wrong("it is not a whole number")),
        }
    }

    /// The values as `f32`, little-endian.
    pub(super) fn as_f32(&self) -> Result<Vec<u8>, ConvertError> {
        match self.element {
            Element::F32 => Ok(self.data.to_vec()),
            Element::F16 => {
                let (pairs, _) = self.data.as_chunks::<2>();
                Ok(pairs
                    .iter()
                    .flat_map(|&p| f16::from_le_bytes(p).to_f32().to_le_bytes())
                    .collect())
            }
            _ => Err(self.unsupported()),
        }
    }

    /// The values as `f16`, little-endian.
    pub(super) fn as_f16(&self) -> Result<Vec<u8>, ConvertError> {
        match self.element {
            Element::F16 => Ok(self.data.to_vec()),
            Element::F32 => {
                let (quads, _) = self.data.as_chunks::<4>();
                let halves = quads.iter().map(|&q| f16::from_f32(f32::from_le_bytes(q)));
                Ok(halves.flat_map(f16::to_le_bytes).collect())
            }
            _ => Err(self.unsupported()),
        }
    }

    /// Whether every value is zero, of either sign.
    pub(super) fn is_zero(&self) -> Result<bool, ConvertError> {
        let values = self.as_f32()?;
        Ok(values.as_chunks::<4>().0.iter().all(|&v| f32::from_le_bytes(v) == 0.0))
    }

    /// Part `i` of `n` equal parts along the first axis.
    pub(super) fn part(&self, i: usize, n: usize) -> Result<Self, ConvertError> {
        let rows = self.shape.first().copied().unwrap_or(0);
        if rows == 0 || !rows.is_multiple_of(n) {
            return Err(self.wrong(format!("it cannot be split into {n} parts")));
        }
        let mut shape = self.shape.clone();
        shape[0] = rows / n;
        let bytes = self.data.len() / n;
        let data = &self.data[i * bytes..][..bytes];
        Ok(Self { name: self.name.clone(), shape, element: self.element, data })
    }

    fn unsupported(&self) -> ConvertError {
        self.wrong(format!("{:?} values are not supported, only F16 and F32", self.element))
    }
}

/// All variables of a Whisper model, by name.
pub(super) struct Variables<'a>(BTreeMap<String, Variable<'a>>);

impl<'a> Variables<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ConvertError> {
        let mut reader = Reader { bytes, at: 0 };
        if !reader.u32("the header").is_ok_and(|version| matches!(version, 5 | 6)) {
            return Err(ConvertError::NotCTranslate2);
        }
        let spec = reader.string("the header")?;
        if spec != "WhisperSpec" {
            return Err(ConvertError::OtherModel(spec));
        }
        let _revision = reader.u32("the header")?;

        let mut variables = BTreeMap::new();
        for _ in 0..reader.u32("the header")? {
            let variable = reader.variable()?;
            variables.insert(variable.name.clone(), variable);
        }
        for _ in 0..reader.u32("the aliases")? {
            let alias = reader.string("the aliases")?;
            let name = reader.string("the aliases")?;
            let of: Option<&Variable<'a>> = variables.get(&name);
            let of = of.cloned().ok_or_else(|| ConvertError::Variable {
                name: alias.clone(),
                why: format!("it stands for {name}, which is missing"),
            })?;
            variables.insert(alias, of);
        }
        Ok(Self(variables))
    }

    pub(super) fn get(&self, name: &str) -> Result<&Variable<'a>, ConvertError> {
        self.0.get(name).ok_or_else(|| ConvertError::Variable {
            name: name.to_owned(),
            why: "it is missing".into(),
        })
    }

    /// Number of layers of `side`: they are numbered from zero.
    pub(super) fn layers(&self, side: &str) -> usize {
        (0..)
            .take_while(|i| self.0.contains_key(&format!("{side}/layer_{i}/ffn/linear_0/weight")))
            .count()
    }
}

/// A cursor that returns a truncation error instead of reading past the end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize, within: &str) -> Result<&'a [u8], ConvertError> {
        let rest = &self.bytes[self.at..];
        let taken = rest
            .get(..n)
            .ok_or_else(|| ConvertError::Truncated { within: within.to_owned(), at: self.at })?;
        self.at += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, within: &str) -> Result<[u8; N], ConvertError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, within)?);
        Ok(array)
    }

    fn u8(&mut self, within: &str) -> Result<u8, ConvertError> {
        self.array(within).map(u8::from_le_bytes)
    }

    fn u32(&mut self, within: &str) -> Result<u32, ConvertError> {
        self.array(within).map(u32::from_le_bytes)
    }

    fn usize(&mut self, within: &str) -> Result<usize, ConvertError> {
        self.u32(within).map(|n| n as usize)
    }

    fn string(&mut self, within: &str) -> Result<String, ConvertError> {
        let length = u16::from_le_bytes(self.array(within)?);
        let bytes = self.take(usize::from(length), within)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    fn variable(&mut self) -> Result<Variable<'a>, ConvertError> {
        let name = self.string("the name of a variable")?;
        let rank = self.u8(&name)?;
        let shape = (0..rank).map(|_| self.usize(&name)).collect::<Result<Vec<_>, _>>()?;
        let wrong = |why: String| ConvertError::Variable { name: name.clone(), why };
        let id = self.u8(&name)?;
        let element =
            Element::from_id(id).ok_or_else(|| wrong(format!("it is of the unknown type {id}")))?;
        let length = self.usize(&name)?;
        let needed = shape.iter().try_fold(element.size(), |n, &extent| n.checked_mul(extent));
        if needed != Some(length) {
            return Err(wrong(format!("it holds {length} bytes for the shape {shape:?}")));
        }
        let data = self.take(length, &name)?;
        Ok(Variable { name, shape, element, data })
    }
}
