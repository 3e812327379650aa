//! Every macro where nothing of the prelude has its name, and the crate another one.

#![deny(warnings, clippy::all)]
#![forbid(unsafe_code)]
#![no_implicit_prelude]
#![allow(non_camel_case_types, non_snake_case, dead_code, unused_macros)]

use ::futures_core::Stream;
use ::renamed::{decision, observable, prompt, register_component, traced_run, traced_stage, TracingComponent};

mod core {}
mod std {}
mod alloc {}
mod whytrace {}
mod inventory {}
struct Option;
struct Result;
struct Box;
struct String;
struct Vec;
struct str;
struct f64;
struct bool;
trait Future {}
trait Iterator {}
trait IntoIterator {}
trait Into {}
trait Clone {}
trait Copy {}
trait Debug {}
trait Fn {}
trait FnOnce {}
trait Send {}
trait Sized {}
fn Some() {}
fn None() {}
fn Ok() {}
fn Err() {}
fn drop() {}

macro_rules! shadowed {
    ($($name:ident),*) => {$(
        macro_rules! $name {
            ($d:tt) => {};
        }
        #[allow(unused_imports)]
        use $name;
    )*};
}

shadowed!(concat, stringify, file, line, column, module_path, include_str, env, unreachable, panic, matches, vec);

/// A component.
#[derive(TracingComponent)]
#[component(name = "loader", decisions("source_selected"), crate = ::renamed)]
struct Loader<T>(T);

struct ByHand;

impl TracingComponent for ByHand {
    const NAME: &'static ::core::primitive::str = "by_hand";
}

register_component!(ByHand, crate = ::renamed);

prompt! { SUPPORT = "support", template = "Help {{ customer }}", system = "Be kind.", crate = ::renamed }
prompt! { FILED = "filed", file = "Cargo.toml", crate = ::renamed }

#[traced_stage("collection", component = ByHand, input(query, query.len()), output, crate = ::renamed)]
fn collect(query: &::core::primitive::str) -> ::core::result::Result<usize, ::core::fmt::Error> {
    decision!(
        "source_selected",
        what = query,
        why = ::std::format!("{query} is technical"),
        confidence = 0.9,
        alternatives = ["google" => 0.6, query => 1],
        inputs = { query, depth: 1 },
        crate = ::renamed,
    );
    decision!("again", what = 1, why = "b", alternatives = [("a", 0.5)], crate = ::renamed);
    if query.is_empty() {
        return ::core::result::Result::Err(::core::fmt::Error);
    }
    ::core::result::Result::Ok(query.len())
}

#[traced_run(project = "cobot", query = query, tags = { tier: "free" }, fields = { f: 1 }, crate = ::renamed)]
fn research(query: &::core::primitive::str) -> ::core::result::Result<usize, ::core::fmt::Error> {
    collect(query)
}

#[traced_run(project = query, intent = ::core::option::Option::Some("x"), input(query), crate = ::renamed)]
async fn research_later(query: &::core::primitive::str, (a, _): (u8, u8)) -> usize {
    fetch(query).await + a as usize
}

#[observable(kind = llm, prompt = SUPPORT, model = "m", input(query), usage(|_| ::renamed::Usage::new(1, 1)), response(|_| "r"), output, crate = ::renamed)]
async fn fetch(query: &::core::primitive::str) -> usize {
    query.len()
}

#[observable(input(n), crate = ::renamed)]
fn boxed(n: u8) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8>>> {
    if n == 0 {
        return ::std::boxed::Box::pin(async { 0 });
    }
    ::std::boxed::Box::pin(async move { n })
}

#[observable(crate = ::renamed)]
fn streamed<S: Stream<Item = u8>>(items: S) -> impl Stream<Item = u8> {
    items
}

#[observable(stream, crate = ::renamed)]
async fn streamed_later<S: Stream<Item = u8>>(
    items: S,
) -> ::core::result::Result<impl Stream<Item = u8>, ::core::fmt::Error> {
    ::core::result::Result::Ok(items)
}

#[observable(boxed, crate = ::renamed)]
async fn countdown(n: u8) -> u8 {
    if n == 0 {
        0
    } else {
        countdown(n - 1).await
    }
}

#[observable(crate = ::renamed)]
async fn serve() -> ! {
    loop {
        countdown(1).await;
    }
}

#[observable(kind = tool, crate = ::renamed)]
impl ByHand {
    fn first<'a>(&self, items: &'a [u8]) -> ::core::option::Option<&'a u8> {
        items.first()
    }
}

fn rendered() -> ::core::result::Result<::renamed::RenderedPrompt, ::renamed::PromptError> {
    SUPPORT { customer: "Ada" }.render()
}
