#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (iobring_oracle::targets::scribbler::TARGET.run)(input);
});
