use whytrace::prelude::*;

#[traced_stage(skip(password))]
fn log_in(password: &str) -> usize {
    password.len()
}

fn main() {}
