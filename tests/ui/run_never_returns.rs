use whytrace::prelude::*;

#[traced_run(project = "cobot")]
fn serve() -> ! {
    loop {}
}

fn main() {}
