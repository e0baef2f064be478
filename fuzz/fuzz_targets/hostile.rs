#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (iobring_fuzz_bodies::hostile::TARGET.run)(input);
});
