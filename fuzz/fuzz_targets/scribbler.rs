#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (iobring_fuzz_bodies::scribbler::TARGET.run)(input);
});
