//! Mail for the sites of a platform's tenants.

#[cfg(feature = "kubernetes")]
mod kubernetes;
mod slug;
mod state;
mod store;

#[cfg(all(feature = "kubernetes", feature = "conformance"))]
pub use kubernetes::{FakeKubernetes, KubernetesFault};
#[cfg(feature = "kubernetes")]
pub use kubernetes::{SitesInKubernetes, SitesInKubernetesBuilder};
pub use slug::Slug;
pub use state::{SiteState, SiteStatus};
pub use store::{SiteStore, SitesInState};
