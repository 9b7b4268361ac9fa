//! A world as bytes.
//!
//! ```text
//! header  "gw-world" · form u32 · length of the body u64 · checksum of all but itself u128
//! body    for every kind with objects: its name · how many there are u32 · objects
//! name    length u32 · "group/kind"
//! object  length u32 · JSON
//! ```
//!
//! Numbers are little endian. Objects are in the order of their names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use xxhash_rust::xxh3::Xxh3;

use super::SnapshotError;
use crate::source::fields;
use crate::world::{ForEachKind, Kind, World};

/// How long the header is.
pub(super) const HEADER: usize = UP_TO_CHECKSUM + size_of::<u128>();

const UP_TO_CHECKSUM: usize = MAGIC.len() + size_of::<u32>() + size_of::<u64>();
const MAGIC: &[u8; 8] = b"gw-world";

/// The form. To be raised whenever what is written cannot be read as before.
const FORM: u32 = 1;

/// The world as bytes.
pub(super) fn encode(world: &World) -> io::Result<Vec<u8>> {
    let mut writer = Writer {
        world,
        bytes: vec![0; HEADER],
        result: Ok(()),
    };
    World::for_each_kind(&mut writer);
    writer.result?;

    let mut bytes = writer.bytes;
    let header = header(&bytes[HEADER..]);
    bytes[..HEADER].copy_from_slice(&header);
    Ok(bytes)
}

/// The world that was written as `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Result<World, SnapshotError> {
    let whole = length(bytes)?;
    let (_, body) = bytes
        .split_at_checked(HEADER)
        .ok_or(SnapshotError::Damaged)?;
    if bytes.len() as u64 != whole || !bytes.starts_with(&header(body)) {
        return Err(SnapshotError::Damaged);
    }

    let mut reader = Reader {
        sections: sections(body).ok_or(SnapshotError::Damaged)?,
        world: World::default(),
        result: Ok(()),
    };
    World::for_each_kind(&mut reader);
    reader.result?;
    match reader.sections.pop_first() {
        Some((kind, _)) => Err(SnapshotError::Object {
            kind: kind.to_owned(),
        }),
        None => Ok(reader.world),
    }
}

/// How long a snapshot is that begins with `bytes`, its header included.
pub(super) fn length(bytes: &[u8]) -> Result<u64, SnapshotError> {
    let after_magic = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::NoSnapshot)?;
    let (form, rest) = after_magic
        .split_first_chunk()
        .ok_or(SnapshotError::Damaged)?;
    let version = u32::from_le_bytes(*form);
    if version != FORM {
        return Err(SnapshotError::Foreign { version });
    }
    let (length, _) = rest.split_first_chunk().ok_or(SnapshotError::Damaged)?;

    u64::from_le_bytes(*length)
        .checked_add(HEADER as u64)
        .ok_or(SnapshotError::Damaged)
}

fn header(body: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let (start, sum) = header.split_at_mut(UP_TO_CHECKSUM);
    let (magic, numbers) = start.split_at_mut(MAGIC.len());
    let (form, length) = numbers.split_at_mut(size_of::<u32>());
    magic.copy_from_slice(MAGIC);
    form.copy_from_slice(&FORM.to_le_bytes());
    length.copy_from_slice(&(body.len() as u64).to_le_bytes());

    let mut hasher = Xxh3::new();
    hasher.update(start);
    hasher.update(body);
    sum.copy_from_slice(&hasher.digest128().to_le_bytes());
    header
}

struct Writer<'a> {
    world: &'a World,
    bytes: Vec<u8>,
    result: io::Result<()>,
}

impl Writer<'_> {
    fn section<T: Kind>(&mut self) -> io::Result<()> {
        let objects = self.world.objects::<T>();
        if objects.is_empty() {
            return Ok(());
        }
        let name = name::<T>();
        put_length(&mut self.bytes, name.len())?;
        self.bytes.extend_from_slice(name.as_bytes());
        put_length(&mut self.bytes, objects.len())?;

        for object in objects.iter() {
            let start = self.bytes.len();
            put_length(&mut self.bytes, 0)?;
            let begin = self.bytes.len();
            // Erased, so that all kinds share the code.
            let object: &dyn erased_serde::Serialize = &**object;
            serde_json::to_writer(&mut self.bytes, object)?;

            let mut length = Vec::new();
            put_length(&mut length, self.bytes.len() - begin)?;
            self.bytes[start..begin].copy_from_slice(&length);
        }
        Ok(())
    }
}

impl ForEachKind for Writer<'_> {
    fn of_kind<T: Kind>(&mut self) {
        if self.result.is_ok() {
            self.result = self.section::<T>();
        }
    }
}

struct Reader<'a> {
    sections: BTreeMap<&'a str, Vec<&'a [u8]>>,
    world: World,
    result: Result<(), SnapshotError>,
}

impl Reader<'_> {
    fn section<T: Kind>(&mut self, objects: &[&[u8]]) -> Result<(), SnapshotError> {
        let strange = || SnapshotError::Object {
            kind: name::<T>().into_owned(),
        };
        for json in objects {
            let value = serde_json::from_slice(json).map_err(|_| strange())?;
            let (object, _) = fields::decode::<T>(value).map_err(|_| strange())?;
            self.world.insert(object);
        }
        Ok(())
    }
}

impl ForEachKind for Reader<'_> {
    fn of_kind<T: Kind>(&mut self) {
        if self.result.is_ok()
            && let Some(objects) = self.sections.remove(&*name::<T>())
        {
            self.result = self.section::<T>(&objects);
        }
    }
}

/// The objects by the name of their kind.
fn sections(mut body: &[u8]) -> Option<BTreeMap<&str, Vec<&[u8]>>> {
    let mut sections = BTreeMap::new();
    while !body.is_empty() {
        let name = std::str::from_utf8(take_part(&mut body)?).ok()?;
        let count = take_length(&mut body)?;
        // Each has a length at least, so that a count cannot ask for endless work.
        let objects = (0..count)
            .map(|_| take_part(&mut body))
            .collect::<Option<_>>()?;
        if sections.insert(name, objects).is_some() {
            return None;
        }
    }
    Some(sections)
}

fn take_part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(bytes)?;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

fn put_length(bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let length = u32::try_from(length).map_err(io::Error::other)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

fn name<T: Kind>() -> Cow<'static, str> {
    format!("{}/{}", T::group(&()), T::kind(&())).into()
}

/// A header and any body, to be tried out.
#[cfg(test)]
pub(super) fn with_header(body: &[u8]) -> Vec<u8> {
    [&header(body)[..], body].concat()
}
