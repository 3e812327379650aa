use whytrace::prelude::*;

#[observable]
extern "C" fn callback(n: i32) -> i32 {
    n
}

fn main() {
    callback(1);
}
