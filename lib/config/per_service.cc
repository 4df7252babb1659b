#include "lib/config/per_service.h"

namespace facteur::conf {

ParamBase* per_service(const Params& params, std::string_view name) {
    ParamBase* best = nullptr;
    for (ParamBase* param : params) {
        if (param->name() == name) return nullptr;
        const std::string_view suffix = param->suffix();
        if (suffix.empty() || name.size() <= suffix.size() || !name.ends_with(suffix)) continue;
        if (!best || best->suffix().size() < suffix.size()) best = param;
    }
    return best;
}

}  // namespace facteur::conf
