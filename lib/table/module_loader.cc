#include "lib/table/module_loader.h"

#include <map>
#include <mutex>

#include <dlfcn.h>
#include <unistd.h>

namespace facteur::table {

const std::vector<std::string>& module_types() {
    static const std::vector<std::string> types = {"ldap", "mysql", "pgsql", "redis", "sqlite"};
    return types;
}

std::vector<std::string> module_folders(const std::string& daemon_directory) {
    std::vector<std::string> folders;
    char path[4096];
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    if (size > 0) {
        const std::string program(path, static_cast<std::size_t>(size));
        folders.push_back(program.substr(0, program.rfind('/')) + "/table");
    }
    folders.push_back(daemon_directory + "/table");
    return folders;
}

Result<const Module*> load_module(const std::string& type,
                                  const std::vector<std::string>& folders) {
    static std::mutex mutex;
    static std::map<std::string, const Module*> loaded;
    std::lock_guard lock(mutex);
    if (const auto known = loaded.find(type); known != loaded.end()) return known->second;
    for (const std::string& folder : folders) {
        const std::string path = folder + "/" + type + ".so";
        if (::access(path.c_str(), F_OK) != 0) continue;
        void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) return permanent(std::string("cannot load it: ") + ::dlerror());
        const auto* module = static_cast<const Module*>(::dlsym(library, Module::kSymbol));
        if (!module || module->version != Module::kVersion)
            return permanent(path + " belongs to another version of Facteur");
        loaded[type] = module;
        return module;
    }
    return permanent("type " + type + " needs " + type + ".so; install the package facteur-" +
                     type);
}

}  // namespace facteur::table
