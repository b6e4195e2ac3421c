//! The one integration binary. Its tree mirrors what is tested.

mod builders;
mod kernel;
mod store;
