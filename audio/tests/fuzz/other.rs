//! Files of other formats, with damage. What they say of themselves goes to the decoders as it is.

use crate::{
    mutation::{damage, mutated},
    read,
};

#[test]
fn any_damage_to_an_mp3_file_gives_a_clip_or_a_named_error() {
    damaged(include_bytes!("../tones/tone.mp3"));
}

#[test]
fn any_damage_to_an_ogg_file_gives_a_clip_or_a_named_error() {
    damaged(include_bytes!("../tones/tone.ogg"));
}

#[test]
fn any_damage_to_an_m4a_file_gives_a_clip_or_a_named_error() {
    damaged(include_bytes!("../tones/tone.m4a"));
}

#[test]
fn any_damage_to_an_aiff_file_gives_a_clip_or_a_named_error() {
    damaged(&aiff());
}

fn damaged(whole: &[u8]) {
    assert!(read(whole).is_ok());
    bolero::check!().with_generator(damage()).for_each(|mutations| {
        _ = read(&mutated(whole, mutations));
    });
}

/// One channel of 16 bits at 16 kHz.
fn aiff() -> Vec<u8> {
    let piece = |name: &[u8], content: &[u8]| {
        [name, &(content.len() as u32).to_be_bytes(), content].concat()
    };
    let format = b"\0\x01\0\0\0\x32\0\x10\x40\x0c\xfa\0\0\0\0\0\0\0";
    let sound = [&[0; 8][..], &[0x40; 100]].concat();
    piece(b"FORM", &[b"AIFF", &piece(b"COMM", format)[..], &piece(b"SSND", &sound)].concat())
}
