//! Synchronous functions: a guard around the body, which runs in a closure so that `return` and `?` come back here.

use super::{Call, hidden, is_unit};
use crate::item::without_impl_trait;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

impl Call<'_> {
    pub(super) fn sync_fn(&self) -> TokenStream {
        let (private, begin, is_recorded) = (&self.private, hidden("begin"), hidden("is_recorded"));
        let (site, look, returned) = (self.site(), self.look_closure(), self.function.returned());
        let observed = match self.captures(&begin) {
            None => {
                let body = self.closure(&returned);
                quote! { #private::observed(&__WHYTRACE_SITE, #body, #look) }
            }
            Some(captures) => {
                // One closure for both: the body may move what is captured before it.
                let begun = quote! {
                    if #is_recorded {
                        let mut #begin = #private::Begin::new(&__WHYTRACE_SITE);
                        #captures
                        #begin.attach();
                    }
                };
                let body = self.closure_with(&quote!(#is_recorded: ::core::primitive::bool), begun, &returned);
                quote! { #private::observed_begun(&__WHYTRACE_SITE, #body, #look) }
            }
        };
        self.function.with_body(&quote! { #site #observed })
    }

    /// The body inside of the guard of a whole trace.
    pub(super) fn in_trace(&self, entered: &TokenStream) -> TokenStream {
        let (site, span) = (self.site(), hidden("span"));
        let (body, look) = (self.closure(&self.function.returned()), self.look_closure());
        self.function.with_body(&quote! {
            #site
            let #span = #entered;
            #span.observed(#body, #look)
        })
    }

    /// The closure that looks at what the body returned.
    fn look_closure(&self) -> TokenStream {
        let (private, returned) = (&self.private, self.function.returned());
        if is_unit(&returned) || matches!(returned, Type::Never(_)) {
            return quote! { |_, _| {} };
        }
        let (result, end) = (hidden("result"), hidden("end"));
        let look = self.look(&result, &end);
        quote! { |#result, #end: &mut #private::End| { #look } }
    }

    /// The body as a closure. It borrows what it can: arguments are dropped where they would be without us, and what is returned may
    /// borrow from them.
    pub(super) fn closure(&self, returned: &Type) -> TokenStream {
        self.closure_with(&TokenStream::new(), TokenStream::new(), returned)
    }

    /// The same with a parameter, and statements before the body.
    fn closure_with(&self, parameter: &TokenStream, first: TokenStream, returned: &Type) -> TokenStream {
        let block = self.function.body.block(first);
        match returned {
            Type::ImplTrait(_) => quote! { |#parameter| #block },
            _ => {
                let returned = without_impl_trait(returned);
                quote! { |#parameter| -> #returned #block }
            }
        }
    }
}
