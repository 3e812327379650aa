use whytrace::prelude::*;

#[traced_stage(input_all, redact(pasword))]
fn log_in(user: &str, password: &str) -> usize {
    user.len() + password.len()
}

fn main() {}
