"""Every property of a job that introspection says is told is told: all of them change here, and
PropertiesChanged has to name each. Prints those that it did not. argv: the bus, a URL, a local name.
"""

import sys
import xml.etree.ElementTree

from gi.repository import Gio, GLib

BUS, URL, LOCAL = sys.argv[1:]
NAME, MANAGER, JOB = "org.dosvc1", "/org/dosvc1", "org.dosvc1.Job"
NOBODY = "http://127.0.0.1:9/"
EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"
OTHER_VALUES = {
    "DisplayName": GLib.Variant("s", "another"),
    "Description": GLib.Variant("s", "another"),
    "Priority": GLib.Variant("s", "high"),
    "MinimumRetryDelay": GLib.Variant("t", 5000),
    "NoProgressTimeout": GLib.Variant("t", 5000),
    "MaximumDownloadTime": GLib.Variant("t", 5000),
    "RedirectPolicy": GLib.Variant("s", "disallow"),
    "SecurityFlags": GLib.Variant("as", ["ignore-unknown-ca"]),
    "CACertificate": GLib.Variant("s", ""),
    "TicketCache": GLib.Variant("s", "KCM:0"),
    "UMask": GLib.Variant("u", 0o77),
    "AutoComplete": GLib.Variant("b", False),
    "ProxySettings": GLib.Variant("(sasas)", ("none", [], [])),
    "CustomHeaders": GLib.Variant("as", ["X-Test: yes"]),
}
told, loop = set(), GLib.MainLoop()


def call(path, interface, method, signature=None, *arguments):
    parameters = GLib.Variant(signature, arguments) if signature else None
    return connection.call_sync(
        NAME, path, interface, method, parameters, None, Gio.DBusCallFlags.NONE, -1, None
    ).unpack()


def on_properties_changed(_, changed, invalidated):
    told.update(changed.keys(), invalidated)
    state = changed.unpack().get("State")
    if state == "transient-error":
        call(job.get_object_path() + "/file/0", "org.dosvc1.File", "SetRemoteName", "(s)", URL)
        call(job.get_object_path(), JOB, "Resume")
    if state == "transferred":
        call(job.get_object_path(), JOB, "TakeOwnership")
    if "Owner" in changed.keys():
        loop.quit()


def give_up():
    print("too late")
    sys.exit(1)


GLib.timeout_add_seconds(30, give_up)
connection = Gio.DBusConnection.new_for_address_sync(
    BUS,
    Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
    None,
    None,
)
call(MANAGER, "org.dosvc1.Manager", "Subscribe", "(a{sv})", {})
(path,) = call(MANAGER, "org.dosvc1.Manager", "CreateJob", "(ssa{sv})", "all", "download", {})
job = Gio.DBusProxy.new_sync(connection, Gio.DBusProxyFlags.NONE, None, NAME, path, JOB, None)
job.connect("g-properties-changed", on_properties_changed)

(text,) = call(path, "org.freedesktop.DBus.Introspectable", "Introspect")
properties = xml.etree.ElementTree.fromstring(text).findall(f"interface[@name='{JOB}']/property")
annotated = set()
for one in properties:
    name, note = one.get("name"), one.find(f"annotation[@name='{EMITS}']")
    if note is None or note.get("value") in ("true", "invalidates"):
        annotated.add(name)
    if one.get("access") == "readwrite":
        call(
            path,
            "org.freedesktop.DBus.Properties",
            "Set",
            "(ssv)",
            JOB,
            name,
            OTHER_VALUES[name],
        )
word = {"user-name": GLib.Variant("s", "reader"), "password": GLib.Variant("s", "word")}
call(path, JOB, "SetCredentials", "(ssa{sv})", "server", "basic", word)
call(path, JOB, "AddFile", "(ssa{sv})", NOBODY, LOCAL, {})
call(path, JOB, "Resume")
loop.run()
print("not told:", sorted(annotated - told))
print("told, but not annotated:", sorted(told - annotated))
