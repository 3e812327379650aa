//! Synchronous functions: a guard around the body, which runs in a closure so that `return` and `?` come back here.

use super::{Call, hidden, is_unit};
use crate::item::without_impl_trait;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

impl Call<'_> {
    pub(super) fn sync_fn(&self) -> TokenStream {
        let (private, begin, span) = (&self.private, hidden("begin"), hidden("span"));
        let entered = match self.captures(&begin) {
            None => quote! { #private::enter(&__WHYTRACE_SITE) },
            Some(captures) => quote! {
                match #private::begin(&__WHYTRACE_SITE) {
                    ::core::option::Option::Some(mut #begin) => {
                        #captures
                        #begin.enter()
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            },
        };
        let (site, body, look) = (self.site(), self.closure(&self.function.returned()), self.look_closure());
        self.function.with_body(&quote! {
            #site
            let #span = #entered;
            #private::observed(#span, #body, #look)
        })
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
        let block = self.function.body.block(TokenStream::new());
        match returned {
            Type::ImplTrait(_) => quote! { || #block },
            _ => {
                let returned = without_impl_trait(returned);
                quote! { || -> #returned #block }
            }
        }
    }
}
