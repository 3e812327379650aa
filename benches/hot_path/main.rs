#![allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, clippy::unwrap_used, clippy::print_stdout)]
mod batch;
mod work;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let calls: u64 = args[1].parse().unwrap();
    for case in work::ours::CASES.iter().filter(|c| args[0] == "all" || c.name == args[0]) {
        let rounds: usize = args.get(2).map_or(1, |a| a.parse().unwrap());
        let mut v: Vec<_> = (0..rounds)
            .map(|_| (case.batch)(calls))
            .map(|s| (s.calls.as_nanos() as f64 / calls as f64, s.whole.as_nanos() as f64 / calls as f64))
            .collect();
        v.sort_by(|a, b| a.0.total_cmp(&b.0));
        println!("{:16} {:8.1?}", case.name, v[v.len() / 2]);
    }
}
