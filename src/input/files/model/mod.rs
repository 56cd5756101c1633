//! The reader against a model of the world.
