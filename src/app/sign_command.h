#pragma once
// `headgate sign-url`: makes a URL that an AccessPolicy with `signedUrls` lets in.
#include "app/options.h"
#include "base/result.h"
#include "base/time.h"

namespace headgate::app {

// The signed URL: path normalised, host in lower case, the rest as it was. Pure but for the key
// file.
Result<std::string> signed_url(const SignUrlOptions& options, WallTime now);
int sign_url(const SignUrlOptions& options);

}  // namespace headgate::app
