#pragma once
// Fields of a merged TrafficPolicy -> model.
#include "config/kind.h"
#include "model/listener.h"
#include "model/policy.h"

namespace headgate::config {

const Schema& traffic_schema();  // of `spec`
model::TrafficPolicy traffic_policy_of(const Json& spec);
model::PortSettings port_settings_of(const Json& connection);

}  // namespace headgate::config
