//! Synchronous functions.

use super::{WORK, assert_worked, stage, tree};
use serde_json::json;
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use whytrace::prelude::*;
use whytrace::testing;

#[traced_stage]
fn plain() {
    std::thread::sleep(WORK);
}

#[traced_stage("named", input(a, b.len(), twice = a * 2), output)]
fn captures(a: u32, b: &str) -> usize {
    b.len() + a as usize
}

#[test]
fn a_stage_is_timed_and_captures_what_it_is_told_to() {
    let run = testing::trace(|| {
        plain();
        captures(3, "four")
    });
    assert_eq!(run.value, 7);
    let trace = run.trace();
    assert_worked(stage(trace, "plain").duration_seconds.map(|seconds| seconds * 1e3));
    let named = stage(trace, "named");
    assert_eq!(named.inputs, json!({"a": 3, "b.len()": 4, "twice": 6}));
    assert_eq!(named.outputs, json!(7));
    assert!(tree(trace).contains("stage plain: ok"));
}

#[traced_stage]
fn nothing_asked(_secret: &str) -> &'static str {
    "also secret"
}

#[test]
fn nothing_is_captured_unless_asked_for() {
    let run = testing::trace(|| nothing_asked("secret"));
    assert!(!serde_json::to_string(run.trace()).unwrap().contains("secret"));
}

#[traced_stage(input_all, skip(b), redact(password), output(|r| r.0))]
fn all((a, b): (u8, u8), password: &str, r#type: Option<i8>) -> (u8, String) {
    (a + b, format!("{password}{type:?}"))
}

#[test]
fn input_all_leaves_out_what_is_skipped_and_hides_what_is_redacted() {
    let run = testing::trace(|| all((1, 2), "hunter2", None));
    let all = stage(run.trace(), "all");
    assert_eq!(all.inputs, json!({"a": 1, "password": "[redacted]", "type": null}));
    assert_eq!(all.outputs, json!(3));
}

#[derive(Debug)]
struct Unreachable;

impl Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unreachable")
    }
}

impl std::error::Error for Unreachable {}

type Answer<T> = std::result::Result<T, Unreachable>;

#[traced_stage(output)]
fn fails(early: bool) -> Answer<u8> {
    if early {
        return Err(Unreachable);
    }
    Err(Unreachable)?;
    Ok(1)
}

#[traced_stage]
fn anyhow_fails() -> anyhow::Result<()> {
    Err(anyhow::Error::new(Unreachable).context("cannot answer"))
}

#[traced_stage]
fn boxed_error(n: u8) -> Result<u8, Box<dyn std::error::Error>> {
    if n > 1 { Err("too many".into()) } else { Ok(n) }
}

#[test]
fn an_err_is_the_outcome_whatever_the_alias() {
    let run = testing::trace(|| {
        let _ = (fails(true), fails(false), anyhow_fails(), boxed_error(2));
    });
    let trace = run.trace();
    let error = stage(trace, "fails").error.as_ref().unwrap();
    assert!(error.kind.as_ref().unwrap().ends_with("::Unreachable"));
    assert_eq!(error.message, "unreachable");
    assert!(error.location.as_ref().unwrap().contains("synchronous.rs"));
    assert_eq!(stage(trace, "fails").outputs, json!(null));
    assert!(stage(trace, "fails#2").error.is_some());
    let error = stage(trace, "anyhow_fails").error.as_ref().unwrap();
    assert_eq!((error.message.as_str(), &error.chain[..]), ("cannot answer", &["unreachable".to_owned()][..]));
    assert_eq!(stage(trace, "boxed_error").error.as_ref().unwrap().message, "too many");
}

#[traced_stage]
fn panics() -> u8 {
    panic!("out of luck")
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let run = testing::trace(|| catch_unwind(panics).is_err());
    assert!(run.value);
    let stage = stage(run.trace(), "panics");
    assert_eq!(stage.outcome, Some(whytrace::Outcome::Panicked));
    assert_eq!(stage.error.as_ref().unwrap().message, "out of luck");
}

struct Cache<'a, T, const N: usize> {
    items: [T; N],
    name: &'a str,
}

impl<'a, T: Clone + Debug, const N: usize> Cache<'a, T, N> {
    #[traced_stage("first")]
    fn first(&mut self) -> Option<&mut T> {
        self.items.first_mut()
    }

    #[observable]
    fn name<'b>(&self, other: &'b str) -> (&'a str, &'b str)
    where
        T: 'a,
    {
        (self.name, other)
    }

    #[observable]
    fn into_items(self) -> impl Iterator<Item = T> {
        self.items.into_iter()
    }

    #[observable]
    fn each<'c>(&'c self, keep: impl Fn(&T) -> bool + 'c) -> Result<impl Iterator<Item = &'c T> + 'c, String> {
        if N == 0 {
            return Err("empty".to_owned());
        }
        Ok(self.items.iter().filter(move |item| keep(item)))
    }
}

#[test]
fn borrows_generics_and_opaque_types_pass_through() {
    let run = testing::trace(|| {
        let mut cache = Cache { items: [1, 2, 3], name: "numbers" };
        *cache.first().unwrap() = 5;
        assert_eq!(cache.name("x"), ("numbers", "x"));
        assert_eq!(cache.each(|n| *n > 2).unwrap().count(), 2);
        cache.into_items().sum::<i32>()
    });
    assert_eq!(run.value, 10);
    assert_eq!(
        tree(run.trace()),
        "\
├─ stage _run: ok
│  ├─ observation name [function]: ok
│  ├─ observation each [function]: ok
│  └─ observation into_items [function]: ok
└─ stage first: ok
"
    );
}

#[traced_stage]
fn countdown(n: u8) -> u8 {
    if n == 0 { 0 } else { countdown(n - 1) }
}

#[test]
fn recursion_nests() {
    let run = testing::trace(|| countdown(2));
    let trace = run.trace();
    assert_eq!(stage(trace, "countdown#2").parent_id.as_ref(), Some(&stage(trace, "countdown").id));
    assert_eq!(stage(trace, "countdown#3").parent_id.as_ref(), Some(&stage(trace, "countdown#2").id));
}

trait Describes {
    #[traced_stage("described")]
    fn describe(&self) -> String {
        "by default".to_owned()
    }
}

struct ByDefault;
struct ByHand;

impl Describes for ByDefault {}

impl Describes for ByHand {
    #[traced_stage("by hand")]
    fn describe(&self) -> String {
        "by hand".to_owned()
    }
}

#[test]
fn trait_methods_with_and_without_a_default() {
    let run = testing::trace(|| (ByDefault.describe(), ByHand.describe()));
    assert!(tree(run.trace()).contains("stage described: ok"));
    assert!(tree(run.trace()).contains("stage by hand: ok"));
}

#[observable]
fn never(stop: bool) -> ! {
    loop {
        assert!(!stop, "stopped");
    }
}

#[test]
fn a_function_that_never_returns_can_panic() {
    let run = testing::trace(|| catch_unwind(|| never(true)).is_err());
    assert!(run.value);
    let never = super::observation(run.trace(), "never");
    assert_eq!(never.outcome, Some(whytrace::Outcome::Panicked));
}

/// Notes when it is dropped.
struct Drops<'a>(&'a std::cell::RefCell<Vec<&'static str>>, &'static str);

impl Drop for Drops<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[test]
#[allow(clippy::needless_pass_by_value)]
fn arguments_are_dropped_in_the_order_of_a_plain_function() {
    #[observable(input(n))]
    fn observed(a: Drops<'_>, n: u8, _unused: Drops<'_>, (b, _): (Drops<'_>, u8), moved: Drops<'_>) {
        let _local = Drops(a.0, "local");
        let _moved = moved;
        let _ = (&b, n);
    }
    fn plain(a: Drops<'_>, n: u8, _unused: Drops<'_>, (b, _): (Drops<'_>, u8), moved: Drops<'_>) {
        let _local = Drops(a.0, "local");
        let _moved = moved;
        let _ = (&b, n);
    }
    let order = |call: for<'a> fn(Drops<'a>, u8, Drops<'a>, (Drops<'a>, u8), Drops<'a>)| {
        let log = std::cell::RefCell::new(Vec::new());
        let drops = |name| Drops(&log, name);
        call(drops("a"), 1, drops("unused"), (drops("b"), 0), drops("moved"));
        log.into_inner()
    };
    let run = testing::trace(|| order(observed));
    assert_eq!(run.value, order(plain));
}

#[test]
fn a_capture_that_panics_changes_nothing() {
    struct Explodes;
    impl Debug for Explodes {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("do not look")
        }
    }
    #[observable(input(value), output(|r| if *r > 0 { panic!("neither here") } else { 0 }))]
    fn observed(value: &Explodes) -> u8 {
        let _ = value;
        7
    }
    let run = testing::trace(|| catch_unwind(AssertUnwindSafe(|| observed(&Explodes))).unwrap());
    assert_eq!(run.value, 7);
    let observed = super::observation(run.trace(), "observed");
    assert_eq!(observed.input, json!({"value": "<panicked: do not look>"}));
    assert_eq!(observed.outcome, Some(whytrace::Outcome::Ok));
}
