#![allow(missing_docs, clippy::print_stdout)]
mod batch;
mod cases;
mod work;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(case) = cases::BARE.iter().find(|c| c.name == args[0]).or_else(|| {
        cases::set_up_recording();
        cases::RECORDING.iter().find(|c| c.name == args[0])
    }) else {
        for c in cases::BARE {
            println!("{}", c.name)
        }
        for c in cases::RECORDING {
            println!("{}", c.name)
        }
        return;
    };
    let calls: u64 = args[1].parse().unwrap();
    let rounds: usize = args.get(2).map_or(1, |a| a.parse().unwrap());
    let mut v: Vec<_> = (0..rounds)
        .map(|_| (case.around)(&|| (case.batch)(calls)))
        .map(|s| (s.calls.as_nanos() as f64 / calls as f64, s.whole.as_nanos() as f64 / calls as f64))
        .collect();
    v.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("{:16} {:8.1?}", case.name, v[v.len() / 2]);
}
