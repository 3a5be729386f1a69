//! Arbitrary bytes as a recording.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    audio_fuzz::decode(data);
});
