//! Arbitrary bytes as a message or as the recording in one, to the features.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    audio_fuzz::clip(data);
});
