//! The keys of all domains in memory. Nothing there is signed, so nobody has the other halves.

/// The public half of an RSA key of 2048 bits.
pub(super) const KEY_2048: &str = "v=DKIM1;k=rsa;t=s;s=email;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjWl8H3dn3iaB8+fX+gBUCxQzm9\
    DMG6jdZgBeuUk2FP5vSS9Ri6hYB0gOMyHlB7lQ1kerztT7IjLHgHI/4Z7nGCO9C+Shig9PsRbRSgGAcjMy2EjAsRTuyyvhKBWkm0mR+x+kTHlbKkla\
    q+AI/dRb9Onaq0IBncT1aZwR4FBwMGd90ml/SyvnhsHGIAkdRZuQJMtFS5Lngs271hQ5cRM2BzScnNP13WKJfm0LoyN0pvGECEEGHXX3SWfmlNG/zg\
    JL7YLCWp0BRoSkCahQtq+OHNOsTfSHkJCqT+P3r71AQ3Q+ZF0It/B7SJc8VBB4eFdVXnLhgJdx0A12QmoQfikltQIDAQAB";

/// That of one of 4096 bits.
pub(super) const KEY_4096: &str = "v=DKIM1;k=rsa;t=s;s=email;p=MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEArugaZYo8BNFwovPOiD0zn0hBwF/ymBwPJljmI2V0lw\
    Km5wKEFjNBz5EU9YSgE5n4kQshAiFqdMYqMkrrdbEt5KQNa/5vNwwUVXqL/kqID2RChvpl2WjhKrmG17FNEi7L3x/oQgwFCDMdt+7ePO00FiNIXjuz\
    XS1h4SUH3qGWxhAKp9O92DgWeKR7N4BiD2FVOL/SiCb9GQ/PJQSBvn2oifFkC9SkRvAcyKLmluE0zj+hgInPx3fUXP8TichWVNPubcQFjCeisK9aWJ\
    d5fu+r+ShfeWWamU3z1wzvpSnaZqXMzEQDPbrLE2dysKirNgZdTNdvGMXuDbPfsplJMKJOwNHJPUDiKnRag1Xn+ctCtt8dmWae89SnGJim/W92sLJy\
    LspczxaN6FrVHysfNB8Shv8vXPEAh5rkjmde5E9Ml1XDvYSdzNPQZl3i3a2afS6ADm5F1kOYLPm1ZLDVwPq/eezwco/7o3NOvWAiZ5joyNSrGKB/hS\
    9e6hloHH2wh0VnP++0UuRALC1uM7PccbjSPuPqiWutgcCiwdBgs5ojtZFtN0/ZXLkpbx+s7BDwtGLAKxEZ0BLTC0mrsZEt1YB69TufOSstgLBvl/lF\
    jO/87n2jrdOiHIeJD7gZKupAxRHVwpH4NuOKb+/F+z7yGJCxh1Q3UTQfzYRYs2KmOCyzMWsCAwEAAQ==";
