//! Random zones.
