//! Synchronous functions: a guard around the body, which runs in a closure so that `return` and `?` come back here.

use super::{Call, hidden, is_unit};
use crate::item::without_impl_trait;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

impl Call<'_> {
    pub(super) fn sync_fn(&self) -> TokenStream {
        let (private, begin) = (&self.private, hidden("begin"));
        let entered = match self.captures(&begin) {
            None => quote! { #private::enter(&__WHYTRACE_SITE) },
            Some(captures) => quote! {
                match #private::begin(&__WHYTRACE_SITE) {
                    ::core::option::Option::Some(mut #begin) => {
                        #captures
                        #begin.enter()
                    }
                    ::core::option::Option::None => #private::Span::none(),
                }
            },
        };
        self.guarded(&entered)
    }

    /// The body inside of a guard.
    pub(super) fn guarded(&self, entered: &TokenStream) -> TokenStream {
        let (site, private) = (self.site(), &self.private);
        let (span, end, returned) = (hidden("span"), hidden("end"), hidden("returned"));
        let result = self.function.returned();
        let body = self.closure(&result);
        if is_unit(&result) || matches!(result, Type::Never(_)) {
            return self.function.with_body(&quote! {
                #site
                let mut #span = #entered;
                #span.run(#body)
            });
        }
        let look = self.look(&hidden("result"), &end);
        let result = hidden("result");
        self.function.with_body(&quote! {
            #site
            let mut #span = #entered;
            let #returned = #span.run(#body);
            #span.returned(|#end: &mut #private::End| {
                let #result = &#returned;
                #look
            });
            #returned
        })
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
