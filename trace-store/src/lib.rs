//! Where whytrace keeps traces and how they are asked for.
