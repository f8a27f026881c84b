//! The tests of this crate in one program. Those of voice activity need the models.

mod activity;
mod call_audio;
mod common;
mod denoise;
mod device;
mod echo;
mod echo_path;
mod far_end;
mod file_formats;
mod files;
mod front_end;
mod history;
mod jitter;
mod made_files;
mod pcm;
mod playout;
mod playout_properties;
mod resample;
mod room;
mod two_clocks;
