use whytrace::prelude::*;

struct Loader;

impl Loader {
    #[traced_stage(component = Self)]
    fn load(&self) {}
}

fn main() {}
