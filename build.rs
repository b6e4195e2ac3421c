//! The page is carried in the binary; the binary must be built anew when the page is.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
