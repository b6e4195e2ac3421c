//! The one integration binary; its tree mirrors the house.

mod kernel;
