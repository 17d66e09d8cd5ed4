//! Tideway Freight, an invented carrier: its APIs, who may call them, and where things stand in its network.
//!
//! Outside addresses come from the ranges reserved for documentation; the domain ends in `.example`.

use super::random::Random;

/// Addresses of the API gateway, for a rule that asks who may talk to the backends.
pub(crate) const GATEWAY_CIDR: &str = "10.20.1.0/26";
/// Addresses of the backends behind it.
pub(crate) const BACKEND_CIDR: &str = "10.20.2.0/24";

/// The Azure subscription that holds everything.
pub(super) const AZURE_SUBSCRIPTION: &str = "6B1D0F4E-52C7-4A0B-9E7D-3C94E2A8F517";
/// The Entra tenant.
pub(super) const TENANT: &str = "c2f6a1b8-07de-4c35-8a92-5d0e61b7f304";
/// ARM path of the resource group, as resource logs write it.
pub(super) const GROUP: &str =
    "/SUBSCRIPTIONS/6B1D0F4E-52C7-4A0B-9E7D-3C94E2A8F517/RESOURCEGROUPS/RG-TIDEWAY-API";
/// ARM path of the gateway below [`GROUP`].
pub(super) const GATEWAY: &str = "/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/TIDEWAY-APIM";
/// Gateway instances' addresses.
pub(super) const GATEWAY_ADDRESSES: [[u8; 4]; 3] = [[10, 20, 1, 4], [10, 20, 1, 5], [10, 20, 1, 6]];

/// One API behind the gateway.
#[derive(Debug)]
pub(super) struct Api {
    /// Its `apiId`.
    pub(super) id: &'static str,
    /// First part of its path, and its backend's name.
    pub(super) path: &'static str,
    /// Thousandths of the day's requests that it gets.
    pub(super) share: u64,
    /// Whether only offices use it, so that mornings ramp up steeply.
    pub(super) office: bool,
    /// Whether the mobile apps call it too.
    pub(super) mobile: bool,
    /// Usual time of its backend, in milliseconds.
    pub(super) backend_ms: u64,
    /// Last octet of its backend's address.
    pub(super) backend_octet: u8,
    /// What can be called.
    pub(super) operations: &'static [Operation],
}

/// One operation of an API.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its `operationId`.
    pub(super) id: &'static str,
    /// HTTP method.
    pub(super) method: &'static str,
    /// Path below the API's own, around the number of what is asked for.
    pub(super) around: (&'static str, &'static str),
}

const fn operation(
    id: &'static str,
    method: &'static str,
    before: &'static str,
    after: &'static str,
) -> Operation {
    Operation {
        id,
        method,
        around: (before, after),
    }
}

/// All APIs; the shares add up to a thousand.
pub(super) const APIS: &[Api] = &[
    Api {
        id: "tracking-v2",
        path: "tracking",
        share: 270,
        office: false,
        mobile: true,
        backend_ms: 22,
        backend_octet: 11,
        operations: &[
            operation("get-position", "GET", "/v2/parcels/TW", "/position"),
            operation(
                "list-events",
                "GET",
                "/v2/parcels/TW",
                "/events?order=desc&limit=25",
            ),
            operation("subscribe-parcel", "POST", "/v2/parcels/TW", "/watchers"),
        ],
    },
    Api {
        id: "shipments-v1",
        path: "shipments",
        share: 200,
        office: false,
        mobile: true,
        backend_ms: 48,
        backend_octet: 12,
        operations: &[
            operation("create-shipment", "POST", "/v1/drafts/", "/submit"),
            operation("get-shipment", "GET", "/v1/shipments/", ""),
            operation(
                "list-shipments",
                "GET",
                "/v1/shipments?page=1&size=50&since=",
                "",
            ),
            operation("cancel-shipment", "DELETE", "/v1/shipments/", ""),
            operation("print-label", "GET", "/v1/shipments/", "/label?format=zpl"),
        ],
    },
    Api {
        id: "rates-v3",
        path: "rates",
        share: 150,
        office: false,
        mobile: false,
        backend_ms: 85,
        backend_octet: 13,
        operations: &[
            operation("quote", "POST", "/v3/quotes/", ""),
            operation("get-surcharges", "GET", "/v3/surcharges?zone=", ""),
            operation(
                "list-services",
                "GET",
                "/v3/services?depot=",
                "&express=true",
            ),
        ],
    },
    Api {
        id: "customs-v1",
        path: "customs",
        share: 100,
        office: true,
        mobile: false,
        backend_ms: 130,
        backend_octet: 14,
        operations: &[
            operation("file-declaration", "POST", "/v1/declarations/", ""),
            operation("get-declaration", "GET", "/v1/declarations/", ""),
            operation("lookup-tariff", "GET", "/v1/tariff-codes?hs=", ""),
        ],
    },
    Api {
        id: "invoices-v1",
        path: "invoices",
        share: 90,
        office: false,
        mobile: false,
        backend_ms: 60,
        backend_octet: 15,
        operations: &[
            operation(
                "list-invoices",
                "GET",
                "/v1/accounts/",
                "/invoices?state=open",
            ),
            operation("get-invoice-pdf", "GET", "/v1/invoices/", "/pdf"),
            operation("dispute-invoice", "POST", "/v1/invoices/", "/disputes"),
        ],
    },
    Api {
        id: "warehouses-v1",
        path: "warehouses",
        share: 80,
        office: false,
        mobile: false,
        backend_ms: 35,
        backend_octet: 16,
        operations: &[
            operation("get-stock", "GET", "/v1/depots/", "/stock"),
            operation("book-slot", "PUT", "/v1/slots/", ""),
            operation("list-docks", "GET", "/v1/depots/", "/docks"),
        ],
    },
    Api {
        id: "identity-v1",
        path: "identity",
        share: 110,
        office: false,
        mobile: true,
        backend_ms: 18,
        backend_octet: 17,
        operations: &[
            operation("refresh-session", "POST", "/v1/sessions/", "/refresh"),
            operation("get-profile", "GET", "/v1/profiles/", ""),
        ],
    },
];

/// A subscription key's owner.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Its `apimSubscriptionId`.
    pub(super) id: &'static str,
    /// Its `productId`.
    pub(super) product: &'static str,
    /// What share of the calls is its, against the others.
    pub(super) weight: u64,
    /// First address it calls from.
    pub(super) from: [u8; 4],
    /// How many addresses in a row.
    pub(super) addresses: u8,
    /// Its program.
    pub(super) agent: &'static str,
}

const fn partner(id: &'static str, octet: u8, addresses: u8, agent: &'static str) -> Subscription {
    Subscription {
        id,
        product: "partner",
        weight: 10,
        from: [198, 51, 100, octet],
        addresses,
        agent,
    }
}

/// All who call regularly: partners from their data centres, our web site, two apps behind carrier NAT.
pub(super) const SUBSCRIPTIONS: &[Subscription] = &[
    partner("aldermoor-retail", 10, 2, "axios/1.7.9"),
    partner(
        "brightquay-foods",
        14,
        1,
        "Apache-HttpClient/5.4.1 (Java/21.0.5)",
    ),
    partner("castellan-books", 18, 1, "python-requests/2.32.3"),
    partner("dunmere-pharma", 22, 2, "Go-http-client/2.0"),
    partner("elmstead-motors", 26, 2, "okhttp/4.12.0"),
    partner("farrow-textiles", 30, 1, "GuzzleHttp/7"),
    partner("greyfell-tools", 34, 1, "RestSharp/112.1.0.0"),
    partner("harborline-commerce", 38, 3, "axios/1.7.9"),
    partner("inverlea-wines", 42, 1, "python-httpx/0.28.1"),
    partner("juniper-and-vale", 46, 2, "node-fetch/3.3.2"),
    partner(
        "kingsmark-spares",
        50,
        1,
        "Apache-HttpClient/5.4.1 (Java/17.0.13)",
    ),
    partner("lowenthal-optics", 54, 1, "Faraday v2.12.2"),
    Subscription {
        id: "tideway-web",
        product: "internal",
        weight: 60,
        from: [198, 51, 100, 200],
        addresses: 2,
        agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    },
    Subscription {
        id: "tideway-mobile-ios",
        product: "mobile",
        weight: 90,
        from: [192, 0, 2, 40],
        addresses: 4,
        agent: "TidewayParcels/5.3.1 (iPhone; iOS 18.1)",
    },
    Subscription {
        id: "tideway-mobile-android",
        product: "mobile",
        weight: 110,
        from: [192, 0, 2, 80],
        addresses: 6,
        agent: "TidewayParcels/5.3.0 (Linux; Android 15; Pixel 8)",
    },
];

/// Regions in which the gateway runs.
pub(super) const REGIONS: [&str; 2] = ["North Europe", "West Europe"];

impl Subscription {
    /// One of its addresses.
    pub(super) fn address(&self, random: &mut Random) -> [u8; 4] {
        let [first, second, third, last] = self.from;
        [first, second, third, last + random.octet(self.addresses)]
    }
}

impl Api {
    /// Its backend's address.
    pub(super) fn backend_address(&self) -> [u8; 4] {
        [10, 20, 2, self.backend_octet]
    }

    /// One of those who may call it.
    pub(super) fn caller(&self, random: &mut Random) -> &'static Subscription {
        let weights = SUBSCRIPTIONS.iter().map(|one| (one, self.weight_of(one)));
        let mut place = random.below(weights.clone().map(|(_, weight)| weight).sum());
        for (one, weight) in weights {
            if place < weight {
                return one;
            }
            place -= weight;
        }
        &SUBSCRIPTIONS[0]
    }

    fn weight_of(&self, subscription: &Subscription) -> u64 {
        match subscription.product {
            "mobile" if !self.mobile => 0,
            _ => subscription.weight,
        }
    }
}
