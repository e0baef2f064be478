/// Functions that keep their names and are not inlined, and a `main` that mentions them all.
macro_rules! functions {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty $body:block)*) => {
        $(
            /// To compare.
            // SAFETY: nothing else in this program has such a name.
            #[unsafe(no_mangle)]
            #[inline(never)]
            pub extern "Rust" fn $name($($arg: $type),*) -> $out $body
        )*
        fn main() {
            $(println!("{:p}", $name as *const ());)*
        }
    };
}
