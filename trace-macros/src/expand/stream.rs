//! Functions that give a stream: the span lasts until the stream is exhausted or dropped.

use super::{Call, hidden};
use crate::item::{Shape, first_type};
use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

impl Call<'_> {
    /// A function that returns `impl Stream` or a boxed stream.
    pub(super) fn stream_fn(&self, item: Option<&Type>, is_boxed: bool) -> TokenStream {
        let (private, site) = (&self.private, self.site());
        let body = self.closure(&self.function.returned());
        let begun = self.begun().unwrap_or_else(|| quote!(::core::option::Option::None));
        let (begin, look) = (hidden("begin"), self.done(item));
        let stream = quote! { #private::stream(&__WHYTRACE_SITE, #begin, #private::call_once(#body), #look) };
        let stream = if is_boxed {
            quote! { #private::Box::pin(#stream) }
        } else {
            stream
        };
        self.function.with_body(&quote! {
            #site
            let #begin = #begun;
            #stream
        })
    }

    /// An `async fn` whose span goes on in the stream that it gives.
    pub(super) fn async_stream(&self) -> TokenStream {
        let (private, site) = (&self.private, self.site());
        let returned = self.function.returned();
        let (sig, bindings) = self.future_signature();
        let begin = hidden("begin");
        let attached = self.attached().unwrap_or_else(|| {
            quote! {
                if let ::core::option::Option::Some(#begin) = #private::begin(&__WHYTRACE_SITE) {
                    #begin.attach();
                }
            }
        });
        let future = self.async_block(&bindings, Some(&attached));
        let (held, item) = held_stream(&returned);
        let (done, look) = (self.failed(&returned), self.done(item.as_ref()));
        let future = quote! { #private::future_stream(&__WHYTRACE_SITE, #future, #done, #look) };
        let (stream, error) = (hidden("stream"), hidden("error"));
        let future = match held {
            Held::Opaque => future,
            Held::Boxed => quote! { async move { #private::Box::pin(#future.await) as #returned } },
            Held::BoxedInResult => quote! {
                async move {
                    let #stream: #returned = match #future.await {
                        ::core::result::Result::Ok(#stream) => ::core::result::Result::Ok(#private::Box::pin(#stream)),
                        ::core::result::Result::Err(#error) => ::core::result::Result::Err(#error),
                    };
                    #stream
                }
            },
        };
        self.with_signature(&sig, &quote! { #site #future })
    }

    /// The closure that looks whether a future failed instead of giving a stream.
    fn failed(&self, returned: &Type) -> TokenStream {
        let private = &self.private;
        let (result, end) = (hidden("result"), hidden("end"));
        let (look, returned) = (self.look_for_error(&result, &end), crate::item::without_impl_trait(returned));
        quote! { |#result: &#returned, #end: &mut #private::End| { #look } }
    }
}

/// How an `async fn` gives its stream.
enum Held {
    /// As `impl Stream`, alone or in a `Result`.
    Opaque,
    /// In a box: the stream that we give must be boxed again.
    Boxed,
    BoxedInResult,
}

/// How the stream is held, and the type of its items, where that is written.
fn held_stream(returned: &Type) -> (Held, Option<Type>) {
    if let Shape::Stream { item, is_boxed } = Shape::of(returned) {
        return (if is_boxed { Held::Boxed } else { Held::Opaque }, item);
    }
    let inside = match returned {
        Type::Path(path) => path.path.segments.last().and_then(|last| first_type(&last.arguments)),
        _ => None,
    };
    match inside.as_ref().map(Shape::of) {
        Some(Shape::Stream { item, is_boxed: true }) => (Held::BoxedInResult, item),
        Some(Shape::Stream { item, is_boxed: false }) => (Held::Opaque, item),
        _ => (Held::Opaque, None),
    }
}
