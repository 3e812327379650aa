//! Every macro as a user writes it, under the strictest lints: none of them may complain of what we generate.

#![deny(warnings, unused, unused_qualifications, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use futures_core::Stream;
use std::future::Future;
use std::pin::Pin;
use whytrace::prelude::*;

/// What can go wrong.
#[derive(Debug)]
pub struct Broken;

/// A component.
#[derive(TracingComponent)]
#[component(name = "loader", decisions("source_selected"), outputs("total"))]
pub struct Loader<'a, T: Clone = u8, const N: usize = 1>
where
    T: 'a,
{
    /// Something borrowed.
    pub items: &'a [T; N],
}

/// A component by hand.
pub struct ByHand;

impl TracingComponent for ByHand {
    const NAME: &'static str = "by_hand";
}

register_component!(ByHand);

prompt! {
    /// Help for customers.
    pub SUPPORT = "support", template = "Help {{ customer }} with {{ ticket }}", system = "Be kind to {{ customer }}.";
    /// Kept to ourselves.
    PRIVATE = "private", template = "{% for item in items %}{{ item }}{% endfor %}";
}

/// Synchronous.
///
/// # Errors
/// When it is empty.
#[traced_stage("collection", component = ByHand, input(query, query.len(), twice = query.len() * 2), output)]
pub fn collect(query: &str) -> Result<usize, Broken> {
    decision!(
        "source_selected",
        what = "exa_search",
        why = format!("{query} is technical"),
        confidence = 0.9,
        alternatives = ["google" => 0.6],
        inputs = { query, depth: 1 },
    );
    if query.is_empty() {
        return Err(Broken);
    }
    PRIVATE.render(&()).map_err(|_| Broken)?;
    Ok(query.len())
}

/// One expression.
#[must_use]
#[observable(input_all, output(|r| r.len()))]
pub fn one_expression(_ignored: u8) -> String {
    String::new()
}

/// Nothing returned.
#[observable]
pub fn unit() {}

/// A run.
#[traced_run(project = "cobot", query = query, tags = { tier: "free" }, fields = { depth: 1 + 1 }, output)]
pub fn research(query: &str) -> Result<usize, Broken> {
    collect(query)
}

/// An asynchronous run.
#[traced_run(project = "cobot", query = &query, session = Some(query.len()))]
pub async fn research_later(query: String, mut times: u8) -> Result<usize, Broken> {
    times += 1;
    fetch(&query, usize::from(times), ("unused", 1)).await
}

/// Asynchronous.
///
/// # Errors
/// When it is empty.
#[observable(kind = retrieval, input(query, depth))]
pub async fn fetch(query: &str, depth: usize, (_label, _): (&str, u8)) -> Result<usize, Broken> {
    if query.is_empty() {
        return Err(Broken);
    }
    Ok(later(depth).await)
}

/// One expression.
#[observable]
pub async fn later(_depth: usize) -> usize {
    1
}

/// A future.
#[observable]
pub fn future<'a>(query: &'a str) -> impl Future<Output = usize> + Send + 'a {
    async move { query.len() }
}

/// A boxed future.
#[observable(input(query))]
#[must_use]
pub fn boxed(query: &str) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
    Box::pin(async move { query.len() })
}

/// A stream.
#[observable(kind = llm, model = "gpt", prompt = SUPPORT, usage(|_| Usage::new(1, 2)), response(|r| r.to_string()))]
pub fn stream(items: Vec<u8>) -> impl Stream<Item = u8> {
    Items(items)
}

/// A stream, later.
///
/// # Errors
/// Never.
#[observable(stream)]
pub async fn stream_later(items: Vec<u8>) -> Result<impl Stream<Item = u8>, Broken> {
    Ok(Items(items))
}

/// A stream of the simplest kind.
#[derive(Debug)]
pub struct Items(Vec<u8>);

impl Stream for Items {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<u8>> {
        std::task::Poll::Ready(self.0.pop())
    }
}

#[observable(kind = tool, component = ByHand)]
impl<'a, T: Clone, const N: usize> Loader<'a, T, N> {
    /// Borrows.
    pub fn first(&mut self) -> Option<&T> {
        self.items.first()
    }

    /// Borrows from both.
    pub async fn both<'b, 'c>(&'b self, other: &'c str) -> (&'a [T; N], &'c str) {
        (self.items, other)
    }

    /// Opaque.
    pub async fn opaque(&self, other: &str) -> impl Iterator<Item = usize> + use<'a, T, N> {
        [self.items.len(), other.len()].into_iter()
    }

    /// Never changes.
    #[must_use]
    pub const fn limit() -> usize {
        N
    }
}

/// A trait of somebody's.
#[async_trait::async_trait]
pub trait Source {
    /// Fetches.
    async fn fetch(&self, query: &str) -> usize;
}

#[async_trait::async_trait]
impl Source for ByHand {
    #[traced_stage("by_hand", input(query))]
    async fn fetch(&self, query: &str) -> usize {
        query.len()
    }
}

/// A public trait with async methods.
pub trait Public {
    /// Answers.
    fn answer(&self) -> impl Future<Output = u8> + Send;

    /// By default.
    fn by_default(&self) -> impl Future<Output = u8>;
}

impl Public for ByHand {
    #[observable]
    async fn answer(&self) -> u8 {
        1
    }

    #[observable]
    async fn by_default(&self) -> u8 {
        2
    }
}

/// Stays until the end.
#[observable]
pub async fn serve() -> ! {
    loop {
        later(1).await;
    }
}

/// Renders.
#[must_use]
pub fn rendered(ticket: &str) -> Option<String> {
    SUPPORT { customer: "Ada", ticket }.render().ok().map(String::from)
}
