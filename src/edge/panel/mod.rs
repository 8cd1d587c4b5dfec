//! The attached display's drivers.
