//! The page is carried in the binary, which must be built again when the page is.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
